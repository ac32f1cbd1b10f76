from django.db import migrations
from django.db.models import F, OuterRef, Subquery

PICK_UP, COMPLETED, STAFF = 1, 4, "staff"


def hand_over(apps, schema_editor):
    """A pick-up that was completed was handed over: by the code, or as far as anybody knew."""
    completed = apps.get_model("groupbuy", "OrderEvent").objects.filter(order=OuterRef("pk"), to_status=COMPLETED, actor_kind=STAFF)
    collected = apps.get_model("groupbuy", "Order").objects.filter(deliver_type=PICK_UP, completed_at__isnull=False, handed_over_at=None)
    collected.update(handed_over_at=F("completed_at"), handed_over_by=Subquery(completed.order_by("-pk").values("actor")[:1]))


class Migration(migrations.Migration):

    dependencies = [
        ('groupbuy', '0014_life_of_an_order'),
    ]

    operations = [
        migrations.RunPython(hand_over, migrations.RunPython.noop),
    ]
