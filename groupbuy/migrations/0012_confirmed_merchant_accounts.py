import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

is_code = django.core.validators.RegexValidator('\\A[0-9A-Za-z_-]+\\Z', '编码只能包含字母、数字、连字符和下划线。')


def confirm_what_wechat_knows(apps, schema_editor):
    """Numbers that took this tenant's prepays, and nobody else's: WeChat itself has accepted their keys (docs/decisions/0020)."""
    account_model, payment_model = apps.get_model('groupbuy', 'MerchantAccount'), apps.get_model('groupbuy', 'Payment')
    for pk, mch_id, tenant_id in list(account_model.objects.values_list('pk', 'mch_id', 'tenant')):
        announced = payment_model.objects.filter(gateway='wechat', parameters__mch_id=mch_id).exclude(prepay_id='')
        if set(announced.values_list('order__tenant', flat=True).order_by().distinct()[:2]) == {tenant_id}:
            account_model.objects.filter(pk=pk).update(confirmed_at=timezone.now())


class Migration(migrations.Migration):

    dependencies = [
        ('groupbuy', '0011_sending_times_and_money_range'),
        ('retail', '0003_outbox'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='merchantaccount',
            name='confirmed_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='平台确认时间'),
        ),
        migrations.AddField(
            model_name='merchantaccount',
            name='confirmed_by',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='平台确认人'),
        ),
        migrations.RunPython(confirm_what_wechat_knows, migrations.RunPython.noop),
        migrations.AlterField(
            model_name='merchantaccount',
            name='mch_id',
            field=models.CharField(max_length=32, validators=[is_code], verbose_name='商户号'),
        ),
        migrations.AlterField(
            model_name='merchantaccount',
            name='public_key_id',
            field=models.CharField(help_text='PUB_KEY_ID_…', max_length=64, validators=[is_code], verbose_name='微信支付公钥 ID'),
        ),
        migrations.AddConstraint(
            model_name='merchantaccount',
            constraint=models.UniqueConstraint(fields=('tenant', 'mch_id'), name='merchant_account_number_once_a_tenant'),
        ),
        migrations.AddConstraint(
            model_name='merchantaccount',
            constraint=models.UniqueConstraint(condition=models.Q(('confirmed_at__isnull', False)), fields=('mch_id',), name='merchant_account_number_confirmed_once'),
        ),
        migrations.AddConstraint(
            model_name='merchantaccount',
            constraint=models.UniqueConstraint(condition=models.Q(('confirmed_at__isnull', False)), fields=('public_key_id',), name='merchant_account_key_confirmed_once'),
        ),
    ]
