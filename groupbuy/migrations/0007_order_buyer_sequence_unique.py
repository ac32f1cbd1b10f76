from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('groupbuy', '0006_number_buyers_orders'),
    ]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='buyer_sequence',
            field=models.PositiveIntegerField(editable=False, verbose_name='买家在团内的第几单'),
        ),
        migrations.AddConstraint(
            model_name='order',
            constraint=models.UniqueConstraint(fields=('group_buying', 'buyer', 'buyer_sequence'), name='order_buyer_sequence_unique'),
        ),
    ]
