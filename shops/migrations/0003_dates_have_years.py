"""Contracts end between 2000 and 2099, whose last day is "unlimited": what doesn't is moved to the nearest bound, then constrained."""

from datetime import date

import retail.dates
from django.db import migrations, models

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


def move_to_bounds(apps, schema_editor):
    licences = apps.get_model("shops", "Licence").objects.using(schema_editor.connection.alias)
    licences.filter(contract_ends_on__lt=FIRST_DAY).update(contract_ends_on=FIRST_DAY)
    licences.filter(contract_ends_on__gt=LAST_DAY).update(contract_ends_on=LAST_DAY)


class Migration(migrations.Migration):

    dependencies = [
        ('shops', '0002_device_offered_stamp'),
    ]

    operations = [
        migrations.AlterField(
            model_name='licence',
            name='contract_ends_on',
            field=models.DateField(blank=True, null=True, validators=[retail.dates.check_range], verbose_name='合同到期日'),
        ),
        migrations.RunPython(move_to_bounds, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='licence',
            constraint=models.CheckConstraint(
                condition=models.Q(('contract_ends_on__range', (FIRST_DAY, LAST_DAY))),
                name='licence_ends_in_our_years',
                violation_error_message='日期须在 2000 年到 2099 年之间',
            ),
        ),
    ]
