"""The one module that imports the theme (django-unfold): everything else of the admin takes it from here."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from unfold import decorators, widgets
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import (
    AutocompleteSelectFilter,
    BooleanRadioFilter,
    ChoicesDropdownFilter,
    DropdownFilter,
    RangeDateFilter,
    RelatedDropdownFilter,
)
from unfold.contrib.filters.forms import AutocompleteDropdownForm
from unfold.enums import ActionVariant
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.forms import PaginationInlineFormSet as InlineFormSet
from unfold.sites import UnfoldAdminSite
from unfold.utils import parse_date_str

from retail.wire.ids import is_id

__all__ = [
    "AdminOwnPasswordChangeForm",
    "Autocomplete",
    "AutocompleteForm",
    "AutocompleteSelectFilter",
    "BooleanRadioFilter",
    "Choices",
    "InlineFormSet",
    "ChoicesDropdownFilter",
    "DropdownFilter",
    "ModelAdmin",
    "RangeDateFilter",
    "RelatedDropdownFilter",
    "Select",
    "TabularInline",
    "UnfoldAdminSite",
    "display",
    "dress",
    "page_action",
    "parse_date_str",
]

Function = TypeVar("Function", bound=Callable[..., Any])


def display(
    *, description: Any, label: Mapping[Any, str] | bool | None = None, header: bool = False, **options: Any
) -> Callable[[Function], Function]:
    """A column. ``label``: a badge, by value one of success, info, warning, danger; ``header``: two lines from a tuple."""
    decorate: Callable[[Function], Function] = decorators.display(description=description, label=label, header=header or None, **options)
    return decorate


def page_action(*, description: Any, path: str, permission: str, icon: str, danger: bool = False) -> Callable[[Function], Function]:
    """A button on top of an object's page. ``permission``: what ``has_<permission>_permission`` of the admin must allow."""
    decorate: Callable[[Function], Function] = decorators.action(
        description=description,
        url_path=path,
        permissions=[permission],
        icon=icon,
        variant=ActionVariant.DANGER if danger else ActionVariant.DEFAULT,
    )
    return decorate


class Autocomplete(AutocompleteSelect):
    """Django's asks the database for whatever an address or a form names."""

    def optgroups(self, name: str, value: Sequence[str], attrs: Any = None) -> Any:
        return super().optgroups(name, [one for one in value if is_id(one)], attrs)


class AutocompleteForm(AutocompleteDropdownForm):  # type: ignore[misc]
    widget = Autocomplete


Select = widgets.UnfoldAdminSelectWidget
Choices = widgets.UnfoldAdminCheckboxSelectMultipleWidget

CLASSES: Sequence[tuple[type[forms.Widget], Sequence[str]]] = (
    (forms.HiddenInput, ()),
    (forms.CheckboxInput, widgets.SWITCH_CLASSES),
    (forms.CheckboxSelectMultiple, ()),
    (forms.RadioSelect, ()),
    (forms.Select, widgets.SELECT_CLASSES),
    (forms.Textarea, widgets.TEXTAREA_CLASSES),
    (forms.widgets.Input, widgets.INPUT_CLASSES),
)


def dress(fields: Iterable[forms.Field]) -> None:
    """Give the widgets of plain fields the theme's look."""
    for field in fields:
        classes = next((names for kind, names in CLASSES if isinstance(field.widget, kind)), ())
        if classes:
            field.widget.attrs["class"] = " ".join(classes)
