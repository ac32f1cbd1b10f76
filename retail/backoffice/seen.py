"""No lost updates: a page carries a mark of what each field showed, and only what its person changed is written.

A mark is a keyed digest, so it tells nothing and nobody makes one: secrets and long texts need no second copy in the page.
"""

from __future__ import annotations

import time
from collections.abc import Collection
from datetime import datetime
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Model
from django.forms.utils import ErrorDict
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

from retail.backoffice import history, plain_text
from retail.backoffice.marks import Mark, opened_at
from retail.backoffice.theme import InlineFormSet

# What a clash is called, so that whoever has the errors knows it from a slip of the pen.
OVERTAKEN = "overtaken"


class SeenField(forms.BoundField):
    """A field of a row that exists, between what the page showed, what came back and what the row holds by now."""

    form: SeenForm

    @property
    def is_marked(self) -> bool:
        return bool(self.field.show_hidden_initial) and self.form.marked_pk is not None

    @property
    def is_write_only(self) -> bool:
        return self.name in self.form.write_only

    @cached_property
    def held(self) -> str:
        """What the row holds, as a page would show it."""
        held = getattr(self.form.instance, self.name) if self.is_write_only else self.initial
        return plain_text.of_row(self.field, held)

    @cached_property
    def unoffered(self) -> set[str]:
        """Of a relation: what it holds and no page offers, such as people who left. Nobody took these out."""
        if not isinstance(self.field, forms.ModelMultipleChoiceField):
            return set()
        stored = {str(key) for key in self.field.prepare_value(self.initial) or ()}
        offered = self.field.queryset.filter(pk__in=stored).values_list("pk", flat=True) if stored else ()  # type: ignore[union-attr]
        return stored - {str(key) for key in offered}

    @cached_property
    def typed(self) -> str | None:
        """What came back, in the same form; None for what no page has shown, such as a new file or nonsense."""
        try:
            return plain_text.of_answer(self.field, self.answer, held=self.held)
        except ValidationError:
            return None

    @property
    def answer(self) -> Any:
        sent = super().data
        return [*(sent or ()), *self.unoffered] if self.unoffered else sent

    @property
    def mark(self) -> Mark:
        return Mark(f"{self.form.marked_pk}.{self.name}", of=self.form._meta.model)

    @property
    def shown(self) -> str:
        return str(self.form.data.get(self.html_initial_name, ""))

    @cached_property
    def is_edited(self) -> bool:
        if self.field.disabled:
            return False
        if self.is_write_only:
            return self.typed != ""
        return self.typed is None or (self.typed != self.held and not self.mark.fits(self.shown, self.typed))

    @property
    def is_overtaken(self) -> bool:
        return self.is_edited and not self.mark.fits(self.shown, self.held)

    @property
    def data(self) -> Any:
        """What was left alone is what the row holds by now, also for the rules that compare fields."""
        sent = super().data
        if not self.is_marked or self.is_edited or self.is_write_only or isinstance(self.field, forms.FileField):
            return sent
        kept = plain_text.as_sent(self.field, self.initial)
        return [key for key in kept if str(key) not in self.unoffered] if self.unoffered else kept

    def _has_changed(self) -> bool:
        return self.is_edited if self.is_marked else bool(super()._has_changed())  # type: ignore[misc]

    def as_widget(self, widget: Any = None, attrs: Any = None, only_initial: bool = False) -> Any:
        if not only_initial or not self.is_marked:
            return super().as_widget(widget, attrs, only_initial)
        # Of what the row holds now: whoever was told so and saves again means it. Of a row that is gone there is nothing newer.
        mark = self.shown if self.form.gone else self.mark.over(self.held, opened=self.form.opened)
        return forms.HiddenInput().render(self.html_initial_name, mark, {"id": self.html_initial_id}, self.form.renderer)


class SeenForm(forms.ModelForm):  # type: ignore[type-arg]
    """``write_only``: fields that never show what is stored, and keep it when they are left empty."""

    bound_field_class = SeenField
    write_only: ClassVar[Collection[str]] = ()
    # The row in whose history the changes stand: of an inline its parent's.
    told_of: Model | None = None

    def __init__(self, *args: Any, gone: str | None = None, **kwargs: Any) -> None:
        """``gone``: the key of a row that was there when the page was opened."""
        super().__init__(*args, **kwargs)
        self.gone = gone
        # Of a new row nothing was seen, also when it is saved by now.
        self.marked_pk: Any = gone or (None if self.instance._state.adding else self.instance.pk)
        self.opened = int(time.time())
        for field in self.fields.values() if self.marked_pk is not None else ():
            field.show_hidden_initial = True

    @property
    def edited(self) -> list[SeenField]:
        bound: list[Any] = [self[name] for name in self.fields]
        return [field for field in bound if field.is_marked and field.is_edited]

    @property
    def overtaken(self) -> list[SeenField]:
        return [field for field in self.edited if field.is_overtaken]

    @property
    def is_stale(self) -> bool:
        """Whether the row was changed since the page was opened, in a field that the page shows."""
        bound: list[Any] = [self[name] for name in self.fields]
        return any(field.is_marked and not field.mark.fits(field.shown, field.held) for field in bound)

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for field in [] if self.gone else self.overtaken:
            self.add_error(field.name, ValidationError(self.clash(field, cleaned), code=OVERTAKEN))
        return cleaned

    def full_clean(self) -> None:
        super().full_clean()
        if self.gone and self.is_bound:
            # Without a row there is nothing to check: it stays away, unless this person did something to it.
            self._errors = ErrorDict()
            if self.edited:
                self.add_error(None, _("此行已被他人删除，您的修改没有保存"))

    def clash(self, field: SeenField, cleaned: dict[str, Any]) -> str:
        edit = self.who_changed(field.name, since=opened_at(field.shown))
        who = _("%(who)s 于 %(when)s") % {"who": edit.who, "when": plain_text.in_words(None, edit.at)} if edit else _("他人")
        if field.is_write_only:
            return _("已被%(who)s更换。再次保存则以您填的为准") % {"who": who}
        is_relation = isinstance(field.field, forms.ModelMultipleChoiceField)
        row_value = list(field.initial or ()) if is_relation else getattr(self.instance, field.name, field.initial)
        held = plain_text.in_words(field.field, row_value)
        mine = plain_text.in_words(field.field, cleaned.get(field.name, forms.BoundField.data.fget(field)))  # type: ignore[attr-defined]
        return _("已被%(who)s改为「%(held)s」，您填的是「%(mine)s」。再次保存则以您填的为准") % {"who": who, "held": held, "mine": mine}

    def who_changed(self, name: str, *, since: datetime) -> history.Edit | None:
        """A hook: who changed this field last, of what is known, ``since`` the page was opened."""
        return history.edit_of(self.told_of or self.instance, self.instance, self.fields[name].label or name, since=since)

    def _save_m2m(self) -> None:
        """Of relations what this person put in and took out, not the whole: the other end may be edited on its own page."""
        if self.marked_pk is None:
            super()._save_m2m()  # type: ignore[misc]
            return
        relations = {field.name for field in self._meta.model._meta.many_to_many}
        for field in self.edited:
            if field.name in relations:
                self.write_relation(field.name, getattr(self.instance, field.name))

    def write_relation(self, name: str, rows: Any) -> None:
        field: Any = self[name]
        seen = {str(key) for key in field.field.prepare_value(field.initial) or ()} - field.unoffered
        chosen = {str(row.pk) for row in self.cleaned_data[name]}
        rows.remove(*seen - chosen)
        rows.add(*chosen - seen)


class SeenFormSet(InlineFormSet):  # type: ignore[misc]
    """Rows of a parent whose lock the page holds: each field for itself, and rows that are gone stay away."""

    def _construct_form(self, i: int, **kwargs: Any) -> Any:
        gone = self.gone(i)
        if gone:
            kwargs["gone"] = gone
        form = super()._construct_form(i, **kwargs)
        form.told_of = self.instance
        return form

    def gone(self, i: int) -> str | None:
        if not self.is_bound or i >= self.initial_form_count():
            return None
        key = str(self.data.get(f"{self.add_prefix(i)}-{self.model._meta.pk.name}", ""))
        known = {str(row.pk) for row in self.get_queryset()}
        return None if key in known else key

    def get_queryset(self) -> Any:
        """Once the forms of a sent page are made, their rows: the admin prints each form beside the row of the same place."""
        if self.is_bound and "forms" in self.__dict__:
            return [form.instance for form in self.initial_forms]
        return super().get_queryset()

    def clean(self) -> None:
        super().clean()
        for form in self.initial_forms:
            if self._should_delete_form(form) and not form.gone and form.is_stale:
                raise ValidationError(_("要删除的「%(row)s」已被他人修改，请核对后再删除") % {"row": form.instance}, code=OVERTAKEN)

    def save_existing(self, form: Any, obj: Any, commit: bool = True) -> Any:
        row = form.save(commit=False)
        if commit:
            columns = {field.name for field in row._meta.concrete_fields}
            row.save(update_fields=[name for name in form.changed_data if name in columns])
            form.save_m2m()
        return row
