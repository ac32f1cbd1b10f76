"""The admin's base: the site, the scoped admin classes, and what they are made of."""

from retail.backoffice.asking import Question, counted, page_of
from retail.backoffice.bases import ReadOnlyAdmin, ReadOnlyInline, ScopedAdmin, ScopedForm, ScopedInline, become
from retail.backoffice.history import Edit
from retail.backoffice.scope import AutocompleteFilter, RangeDateFilter, RelatedFilter, caller, visible
from retail.backoffice.site import BackOffice
from retail.backoffice.theme import BooleanRadioFilter, ChoicesDropdownFilter, DropdownFilter, display, page_action

__all__ = [
    "AutocompleteFilter",
    "BackOffice",
    "BooleanRadioFilter",
    "ChoicesDropdownFilter",
    "DropdownFilter",
    "Edit",
    "Question",
    "RangeDateFilter",
    "ReadOnlyAdmin",
    "ReadOnlyInline",
    "RelatedFilter",
    "ScopedAdmin",
    "ScopedForm",
    "ScopedInline",
    "become",
    "caller",
    "counted",
    "display",
    "page_action",
    "page_of",
    "visible",
]
