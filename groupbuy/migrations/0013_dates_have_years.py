"""Group buys begin and end between 2000 and 2099: what doesn't is moved to the nearest bound, then constrained.

One that can't be decided has its next turn, as orders have.
"""

from datetime import UTC, datetime, timedelta

import retail.dates
from django.db import migrations, models
from django.db.models import F, Q
from django.db.models.functions import Greatest, Least

FIRST, LAST = datetime(1999, 12, 31, 16, tzinfo=UTC), datetime(2099, 12, 31, 15, 59, 59, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def within(column, first, last):
    bounds = [models.Value(bound, output_field=models.DateTimeField()) for bound in (first, last)]
    return Least(Greatest(F(column), bounds[0]), bounds[1])


def move_to_bounds(apps, schema_editor):
    rows = apps.get_model("groupbuy", "GroupBuying").objects.using(schema_editor.connection.alias)
    outside = rows.exclude(Q(start_at__range=(FIRST, LAST)) & Q(end_at__range=(FIRST, LAST)))
    # In one statement, and still a second apart: the end lies behind the start.
    outside.update(start_at=within("start_at", FIRST, LAST - SECOND), end_at=within("end_at", FIRST + SECOND, LAST))


class Migration(migrations.Migration):

    dependencies = [
        ('groupbuy', '0012_confirmed_merchant_accounts'),
    ]

    operations = [
        migrations.AddField(
            model_name='groupbuying',
            name='next_job_at',
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name='下次后台处理'),
        ),
        migrations.AlterField(
            model_name='groupbuying',
            name='start_at',
            field=models.DateTimeField(validators=[retail.dates.check_range], verbose_name='开始时间'),
        ),
        migrations.AlterField(
            model_name='groupbuying',
            name='end_at',
            field=models.DateTimeField(validators=[retail.dates.check_range], verbose_name='结束时间'),
        ),
        migrations.RunPython(move_to_bounds, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name='groupbuying',
            constraint=models.CheckConstraint(
                condition=models.Q(('end_at__range', (FIRST, LAST)), ('start_at__range', (FIRST, LAST))),
                name='group_buying_in_our_years',
                violation_error_message='日期须在 2000 年到 2099 年之间',
            ),
        ),
    ]
