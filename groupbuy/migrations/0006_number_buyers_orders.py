from django.db import migrations

NUMBER = """
    UPDATE groupbuy_order SET buyer_sequence = numbered.buyer_sequence FROM (
        SELECT id, row_number() OVER (PARTITION BY group_buying_id, buyer_id ORDER BY id) AS buyer_sequence FROM groupbuy_order
    ) AS numbered
    WHERE numbered.id = groupbuy_order.id AND groupbuy_order.buyer_sequence IS NULL
"""


class Migration(migrations.Migration):

    dependencies = [
        ('groupbuy', '0005_order_buyer_sequence'),
    ]

    operations = [
        migrations.RunSQL(NUMBER, migrations.RunSQL.noop),
    ]
