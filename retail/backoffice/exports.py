"""A list as a file: the rows that the person sees, with the same filters, search and order, in columns that hide what the page hides."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, cast

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import get_fields_from_path, label_for_field
from django.contrib.admin.views.main import ERROR_FLAG
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import BadRequest, FieldDoesNotExist, PermissionDenied
from django.db.models import Model, QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail.backoffice import theme
from retail.backoffice.sheets import WRITERS, Row, cell_of

# 10 to 17 seconds of one busy processor (docs/decisions/0019-exports.md).
ROWS_MAX = 20_000
CHUNK = 1000
LABELS = (("xlsx", gettext_lazy("Excel 表格")), ("csv", gettext_lazy("CSV 文件")))


class ExportAdmin(theme.ModelAdmin):  # type: ignore[misc]
    """``exported``: the columns, each as in ``list_display``, or with a title of its own as (title, column). None: no export."""

    exported: Sequence[str | tuple[Any, str]] = ()

    def get_urls(self) -> list[URLPattern]:
        urls: list[URLPattern] = super().get_urls()
        own = path("export/", self.admin_site.admin_view(self.export), name=name_of_page(self.model, "export"))
        return [own, *urls] if self.exported else urls

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whoever may look at the list: nothing is in the file that the pages don't show this person."""
        return bool(self.exported) and bool(self.has_view_permission(request))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        offered = {"kinds": LABELS, "most": ROWS_MAX} if self.has_export_permission(request) else None
        response: HttpResponse = super().changelist_view(request, {"export": offered} | (extra_context or {}))
        return response

    def export(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_export_permission(request):
            raise PermissionDenied
        back = reverse(f"admin:{name_of_page(self.model, 'changelist')}")
        seen = f"{back}?{request.GET.urlencode()}" if request.GET else back
        if request.method != "POST":
            return redirect(seen)
        try:
            shown = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            # As the list itself does.
            return redirect(f"{back}?{ERROR_FLAG}=1")
        if shown.result_count > ROWS_MAX:
            messages.error(request, too_many(shown.result_count))
            return redirect(seen)
        return self.answer(request, shown.queryset, request.POST.get("kind", ""))

    def answer(self, request: HttpRequest, rows: QuerySet[Any], kind: str) -> FileResponse:
        """The file is whole before its first byte is sent: a failure is an error page, not half a list that looks like one."""
        if kind not in WRITERS:
            raise BadRequest
        content_type, write = WRITERS[kind]
        meta = rows.model._meta
        title, columns = str(meta.verbose_name_plural), self.columns(request)
        file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # the response closes it
        count = write(file, title, [head for head, _name in columns], self.table(rows, [name for _head, name in columns]))
        log_export(request, rows.model, count=count, kind=kind)
        file.seek(0)
        name = f"{title}-{timezone.localtime():%Y%m%d-%H%M}.{kind}"
        return FileResponse(file, as_attachment=True, filename=name, content_type=content_type)

    def columns(self, request: HttpRequest) -> list[tuple[str, str]]:
        """Head and name of what this person may see."""
        named = [one if isinstance(one, tuple) else (self.head(one), one) for one in self.exported]
        hidden = self.hidden(request)
        return [(str(title), name) for title, name in named if name.split("__")[0] not in hidden]

    def head(self, name: str) -> Any:
        return field_at(self.model, name).verbose_name if "__" in name else label_for_field(name, self.model, self)

    def table(self, rows: QuerySet[Any], names: Sequence[str]) -> Iterator[Row]:
        """One statement, whatever the number of rows; more may have come in since they were counted."""
        readers = [self.reader(name) for name in names]
        related = {one for one in (relation(rows.model, name) for name in names) if one}
        for row in rows.select_related(*related)[:ROWS_MAX].iterator(CHUNK):
            yield [cell_of(read(row)) for read in readers]

    def reader(self, name: str) -> Callable[[Any], Any]:
        """How to get at a column: what the page computes is computed in the same place, and so masked in the same way."""
        if hasattr(self, name):
            computed: Callable[[Any], Any] = getattr(self, name)
            return computed
        parts = name.split("__")
        if getattr(field_at(self.model, name), "choices", None):
            parts[-1] = f"get_{parts[-1]}_display"

        def read(row: Any) -> Any:
            for part in parts:
                row = row if row is None else getattr(row, part)
            return row() if callable(row) else row

        return read


def field_at(model: type[Model], name: str) -> Any:
    """The field behind a column, or None where a queryset made it."""
    try:
        return get_fields_from_path(model, name)[-1]
    except FieldDoesNotExist:
        return None


def relation(model: type[Model], name: str) -> str:
    """What must be read with a row so that its column takes no statement of its own; "" where nothing."""
    field = field_at(model, name)
    if field is not None and field.is_relation:
        return name
    return name.rpartition("__")[0]


def name_of_page(model: type[Model], kind: str) -> str:
    return f"{model._meta.app_label}_{model._meta.model_name}_{kind}"


def too_many(count: int) -> str:
    return _("筛选结果过多（%(count)s 条），一次最多导出 %(most)s 条，请缩小范围") % {"count": count, "most": ROWS_MAX}


def log_export(request: HttpRequest, model: type[Model], *, count: int, kind: str) -> None:
    """Who took which list, how many rows, and what it was narrowed by; not to which values: a search may be a name or a phone."""
    message = _("导出 %(count)s 条（%(kind)s）") % {"count": count, "kind": kind.upper()}
    narrowed = _("，筛选：%(names)s") % {"names": "、".join(sorted(request.GET))} if request.GET else ""
    LogEntry.objects.create(
        user_id=cast(int, request.user.pk),
        content_type=ContentType.objects.get_for_model(model),
        object_repr=str(model._meta.verbose_name_plural),
        action_flag=CHANGE,
        change_message=message + narrowed,
    )
