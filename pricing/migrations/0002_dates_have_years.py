"""Market prices are of 2000 to 2099. Older ones go, then it is constrained: moved to another day they would say what isn't so.

Only an import wrote them, from 1990 on and up to its own day; nothing points at them, and their file still holds them.
"""

from datetime import date

import retail.dates
from django.db import migrations, models

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


def remove_others(apps, schema_editor):
    prices = apps.get_model("pricing", "MarketPrice").objects.using(schema_editor.connection.alias)
    prices.exclude(on__range=(FIRST_DAY, LAST_DAY)).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('pricing', '0001_initial'),
    ]

    operations = [
        migrations.AlterField(
            model_name='marketprice',
            name='on',
            field=models.DateField(validators=[retail.dates.check_range], verbose_name='日期'),
        ),
        migrations.RunPython(remove_others, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='marketprice',
            constraint=models.CheckConstraint(
                condition=models.Q(('on__range', (FIRST_DAY, LAST_DAY))),
                name='market_price_in_our_years',
                violation_error_message='日期须在 2000 年到 2099 年之间',
            ),
        ),
    ]
