from django.db import migrations, models


class Migration(migrations.Migration):
    """The lease of expiry serves every background job of orders."""

    dependencies = [
        ("groupbuy", "0002_merchant_account"),
    ]

    operations = [
        migrations.RenameField(model_name="order", old_name="next_expiry_at", new_name="next_job_at"),
        migrations.AlterField(
            model_name="order",
            name="next_job_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="下次后台处理"),
        ),
    ]
