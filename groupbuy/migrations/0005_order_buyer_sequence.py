from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('groupbuy', '0004_bills'),
    ]

    operations = [
        migrations.AddField(
            model_name='order',
            name='buyer_sequence',
            field=models.PositiveIntegerField(editable=False, null=True, verbose_name='买家在团内的第几单'),
        ),
    ]
