"""The admin of people: staff with their roles and shops, and buyers."""

from functools import partial
from typing import Any

from axes.utils import reset
from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from retail.backoffice import (
    BooleanRadioFilter,
    Question,
    RelatedFilter,
    ScopedAdmin,
    ScopedForm,
    caller,
    display,
    page_action,
    theme,
    visible,
)
from retail.forms import PasswordForm, RowsField
from retail.login import staff_accounts
from retail.models import User
from retail.rights import GROUP_NAMES, SHOP_ROLES, STAFF_ROLES, Right, Role
from shops.models import Shop

# Of the person's own, beside those of the role.
RIGHTS = ("secrets", "clears")


class StaffForm(ScopedForm):
    """An account with its role and shops, which are relations."""

    role = forms.TypedChoiceField(
        label=gettext_lazy("角色"), choices=[("", "—"), *((r.value, r.label) for r in STAFF_ROLES)], coerce=Role, widget=theme.Select
    )
    shops = RowsField(
        Shop.objects.none(),
        label=gettext_lazy("门店"),
        required=False,
        widget=theme.Choices,
        help_text=gettext_lazy("总部员工不需要选择，可见全部门店。"),
    )
    secrets = forms.BooleanField(label=gettext_lazy("可查看门店 AppSecret"), required=False)
    clears = forms.BooleanField(
        label=gettext_lazy("可清空门店商品"), required=False, help_text=gettext_lazy("店长和总部可通过接口一次下架整个门店的商品。")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        theme.dress([self.fields[name] for name in RIGHTS if name in self.fields])
        if "shops" in self.fields:
            shops: Any = self.fields["shops"]
            shops.queryset = visible(Shop, self.principal).open().order_by("code")
        if "username" in self.fields:
            self.fields["username"].required = True
        if self.instance.pk is not None and "role" in self.fields:
            rights = {"secrets": staff_accounts.sees_secrets(self.instance), "clears": staff_accounts.clears_shops(self.instance)}
            self.initial.update(role=role_of(self.instance), shops=self.instance.shops.all(), **rights)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        tenant_id = getattr(cleaned.get("tenant"), "pk", None) or self.instance.tenant_id
        if any(shop.tenant_id != tenant_id for shop in cleaned.get("shops", ())):
            raise forms.ValidationError(_("所选内容不属于同一商家"))
        if cleaned.get("role") in SHOP_ROLES and not cleaned.get("shops", True):
            self.add_error("shops", _("店员和店长至少属于一家门店"))
        return cleaned


def is_plain(request: HttpRequest, user: User | None) -> bool:
    """A buyer has no role, and nobody changes the own one."""
    return user is not None and (not user.is_staff or user == request.user)


def role_of(user: User) -> str:
    names = {group.name for group in user.groups.all()}
    return next((role for role, name in GROUP_NAMES.items() if name in names), "")


@admin.register(User)
class UserAdmin(ScopedAdmin):
    """Staff, whom headquarters manages, and buyers, whom it may look up and lock out."""

    form = StaffForm
    list_display = ("person", "role", "shop_names", "phone", "is_active", "tenant", "created_at")
    list_filter = (("is_active", BooleanRadioFilter), ("tenant", RelatedFilter))
    list_select_related = ("tenant",)
    search_fields = ("nickname", "username", "phone__endswith")
    search_help_text = gettext_lazy("昵称、用户名、电话尾号")
    pills = ((gettext_lazy("员工"), "is_staff__exact=1"), (gettext_lazy("顾客"), "is_staff__exact=0"))
    linked = ("is_staff",)
    fixed = ("username",)
    actions_detail = ("new_password", "unlock")
    fieldsets = (
        (None, {"fields": ("tenant", "username", "nickname", "phone", "is_active")}),
        (gettext_lazy("权限"), {"fields": ("role", "shops", "secrets", "clears")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups", "shops")

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> list[Any]:
        whole = super().get_fieldsets(request, obj)
        return whole[:1] if is_plain(request, obj) else whole

    def hidden(self, request: HttpRequest) -> set[str]:
        return super().hidden(request) | (set() if caller(request).may(Right.SEE_APP_SECRETS) else {"secrets"})

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        readonly = super().get_readonly_fields(request, obj)
        if obj is None or obj.is_staff:
            return [*readonly, "is_active"] if obj == request.user else readonly
        return [*readonly, "nickname", "phone"]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if is_plain(request, obj):
            kwargs["form"] = ScopedForm
        return super().get_form(request, obj, change, **kwargs)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        granted: bool = super().has_change_permission(request, obj)
        return granted and (not isinstance(obj, User) or staff_accounts.may_manage(user=obj, principal=caller(request)))

    def has_manage_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        return self.has_change_permission(request)

    def begin(self, request: HttpRequest, instance: User) -> None:
        instance.is_staff = True
        instance.set_unusable_password()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        user, chosen, edited = form.instance, form.cleaned_data, set(form.changed_data)
        if edited & {"role", *RIGHTS}:
            rights = {name: chosen.get(name, False) for name in RIGHTS}
            staff_accounts.assign_role(user=user, role=chosen["role"], principal=caller(request), **rights)
        if "shops" in edited:
            form.write_relation("shops", user.shops)

    def response_add(self, request: HttpRequest, obj: User, post_url_continue: str | None = None) -> HttpResponse:
        # Without a password nobody can log in: on to it.
        return redirect("admin:retail_user_new_password", obj.pk)

    @page_action(description=gettext_lazy("设置密码"), path="password", permission="manage", icon="key")
    def new_password(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = self.get_object(request, object_id)
        question = Question(
            title=_("设置密码"), facts=[(_("账号"), user)], button=_("保存新密码"), form=PasswordForm, form_options={"user": user}
        )
        service = partial(staff_accounts.set_password, user=user, principal=caller(request))
        return self.ask(request, question, service, _("已设置新密码，%(name)s 需要重新登录") % {"name": user}, touched=[user])

    @page_action(description=gettext_lazy("解除登录锁定"), path="unlock", permission="manage", icon="lock_open")
    def unlock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = self.get_object(request, object_id)
        note = _("登录失败过多的账号会被锁定 15 分钟，解除后可立即再试。")
        question = Question(title=_("解除登录锁定"), facts=[(_("账号"), user)], note=note, button=_("解除锁定"))
        service = partial(reset, username=user.username)
        return self.ask(request, question, service, _("已解除 %(name)s 的登录锁定") % {"name": user}, touched=[user])

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> list[Any]:
        user = self.get_object(request, str(object_id))
        if not user.is_staff or not self.has_change_permission(request, user):
            return []
        actions: list[Any] = super().get_actions_detail(request, object_id)
        return actions

    @display(description=gettext_lazy("姓名"), header=True, ordering="nickname")
    def person(self, user: User) -> tuple[str, str]:
        return user.nickname, user.username or _("顾客")

    @display(
        description=gettext_lazy("角色"),
        label=dict(zip((role.label for role in STAFF_ROLES), ("warning", "info", "success"), strict=True)),
    )
    def role(self, user: User) -> str:
        if user.is_superuser:
            return str(Role.PLATFORM.label)
        found = role_of(user)
        return str(Role(found).label) if found else ""

    @display(description=gettext_lazy("门店"))
    def shop_names(self, user: User) -> str:
        if role_of(user) and role_of(user) not in SHOP_ROLES:
            return _("全部门店")
        return "、".join(shop.name for shop in user.shops.all()) or "—"
