"""Tenants, people and the catalogue: what every other app stands on."""

from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, ClassVar, Self

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from pypinyin import Style, lazy_pinyin

from retail.encryption import EncryptedTextField
from retail.money import ZERO, MoneyField, QuantityField
from retail.principals import Principal, Role

is_code = RegexValidator(r"\A[0-9A-Za-z_-]+\Z", _("编码只能包含字母、数字、连字符和下划线。"))


class Tenant(models.Model):
    """One retail chain. Nothing is shared between two of them."""

    code = models.CharField(_("编码"), max_length=32, unique=True, validators=[is_code])
    name = models.CharField(_("名称"), max_length=100)
    app_id = models.CharField(_("小程序 AppId"), max_length=64, unique=True, null=True, blank=True)  # unique: "" could stand only once
    host_name = models.CharField(_("域名"), max_length=253, unique=True, null=True, blank=True)  # the same
    in_use = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = verbose_name_plural = _("租户")

    def __str__(self) -> str:
        return self.name


class AppSecret(models.Model):
    """The AppSecret of a tenant's own mini-program; beside the tenant, so that reading a tenant decrypts nothing."""

    tenant = models.OneToOneField(Tenant, models.PROTECT, related_name="app_secret", primary_key=True, verbose_name=_("租户"))
    value = EncryptedTextField(_("小程序 AppSecret"))

    class Meta:
        verbose_name = verbose_name_plural = _("小程序密钥")

    def __str__(self) -> str:
        return str(self.tenant_id)


class UserQuerySet(models.QuerySet["User"]):
    def visible_to(self, principal: Principal) -> Self:
        """Headquarters sees its tenant's people; shop staff the buyers of the tenant and themselves."""
        if principal.role in (Role.PLATFORM, Role.HEADQUARTERS):
            return self.filter(principal.scope(shop="")).filter(Q(is_superuser=False) | Q(pk=principal.user and principal.user.pk))
        if principal.is_staff and principal.user is not None:
            return self.filter(principal.scope(shop="")).filter(Q(is_staff=False) | Q(pk=principal.user.pk))
        return self.filter(pk=principal.user.pk) if principal.user else self.none()

    def buyers(self) -> Self:
        return self.filter(is_staff=False, is_superuser=False)

    def staff(self) -> Self:
        return self.filter(is_staff=True)

    def counting(self) -> Self:
        """The platform's people, and those of tenants in use."""
        return self.filter(Q(is_superuser=True) | Q(tenant__in_use=True))


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]
    """What ``createsuperuser`` and the login need."""

    def create_user(self, username: str | None = None, password: str | None = None, **fields: Any) -> "User":
        user: User = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, username: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(username, password, is_staff=True, is_superuser=True, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        user: User = self.get(username=username)
        return user


class User(AbstractBaseUser, PermissionsMixin):
    """Staff, who have a user name and a password, and buyers, who have a WeChat identity or a browser session."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="users", null=True, blank=True, verbose_name=_("租户"))
    username = models.CharField(  # unique: buyers have none
        _("用户名"), max_length=150, unique=True, null=True, blank=True, validators=[is_code], help_text=_("员工登录用；买家留空。")
    )
    nickname = models.CharField(_("昵称"), max_length=64, default="微信用户")
    picture = models.CharField(_("头像"), max_length=500, blank=True)
    phone = models.CharField(_("电话"), max_length=20, blank=True)
    is_staff = models.BooleanField(_("员工"), default=False)
    is_active = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    class Meta:
        verbose_name = verbose_name_plural = _("用户")
        indexes = [models.Index(fields=["tenant", "is_staff", "-id"], name="user_of_tenant")]
        constraints = [
            models.CheckConstraint(condition=Q(tenant__isnull=False) | Q(is_superuser=True), name="user_has_tenant"),
            models.CheckConstraint(condition=Q(is_staff=False) | Q(username__isnull=False), name="staff_has_username"),
        ]

    def __str__(self) -> str:
        return self.nickname if self.username is None else f"{self.nickname}（{self.username}）"

    def get_full_name(self) -> str:
        return self.nickname

    def save(self, *args: Any, **kwargs: Any) -> None:
        """A new password ends the tokens of the old one, whoever sets it: the admin, the person, or ``manage.py changepassword``.

        Sessions end by themselves.
        """
        is_new = self._password is not None  # type: ignore[attr-defined]  # Django's own
        super().save(*args, **kwargs)
        if is_new:
            self.auth_token_set.all().delete()  # type: ignore[attr-defined]  # knox's

    save.alters_data = True  # type: ignore[attr-defined]

    @property
    def counts(self) -> bool:
        """As ``UserQuerySet.counting``."""
        return self.is_superuser or bool(self.tenant and self.tenant.in_use)


class WeChatIdentity(models.Model):
    """One person has another ``open_id`` in each app; ``union_id`` joins them."""

    user = models.ForeignKey(User, models.PROTECT, related_name="wechat_identities", verbose_name=_("用户"))
    app_id = models.CharField(_("AppId"), max_length=64)
    open_id = models.CharField(_("OpenId"), max_length=128)
    union_id = models.CharField(_("UnionId"), max_length=128, blank=True, db_index=True)

    class Meta:
        verbose_name = verbose_name_plural = _("微信身份")
        constraints = [
            models.UniqueConstraint(fields=["app_id", "open_id"], name="wechat_identity_unique"),
            models.UniqueConstraint(fields=["user", "app_id"], name="wechat_identity_one_per_app"),
        ]

    def __str__(self) -> str:
        return f"{self.app_id}/{self.open_id[:4]}****"


class ProductClassQuerySet(models.QuerySet["ProductClass"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(shop=""))

    def with_descendants(self, ids: set[int]) -> set[int]:
        """``ids`` of this queryset and everything below them; one query, whatever the depth."""
        children: dict[int | None, list[int]] = {}
        known = set()
        for pk, parent_id in self.values_list("pk", "parent_id"):
            children.setdefault(parent_id, []).append(pk)
            known.add(pk)
        found: set[int] = set()
        waiting = [pk for pk in ids if pk in known]
        while waiting:
            pk = waiting.pop()
            if pk not in found:
                found.add(pk)
                waiting.extend(children.get(pk, []))
        return found


class ProductClass(models.Model):
    """A branch of the tenant's tree of products."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="product_classes", verbose_name=_("租户"))
    parent = models.ForeignKey("self", models.PROTECT, related_name="children", null=True, blank=True, verbose_name=_("上级分类"))
    code = models.CharField(_("编码"), max_length=32, validators=[is_code])
    name = models.CharField(_("名称"), max_length=64)
    sort = models.IntegerField(_("排序"), default=0)

    objects = ProductClassQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("商品分类")
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="product_class_code_unique"),
            models.CheckConstraint(condition=~Q(parent=F("id")), name="product_class_not_own_parent"),
        ]

    def __str__(self) -> str:
        return self.name


class PricingType(models.IntegerChoices):
    """How a scale asks for the quantity (``seeds/shopproduct.txt``)."""

    COUNT = 0, _("计数")
    WEIGHT = 1, _("计重")
    COUNT_THEN_WEIGH = 2, _("计数取重")


class ProductQuerySet(models.QuerySet["Product"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(shop=""))

    def in_use(self) -> Self:
        return self.filter(in_use=True)

    def matching(self, keyword: str) -> Self:
        """Name, code, barcode or pinyin initials contain ``keyword``, in whatever letter case."""
        if not keyword:
            return self
        # Chinese and digits have no case, and PostgreSQL's UPPER() of every name takes four times as long as the comparison itself.
        contains = "contains" if keyword.lower() == keyword.upper() else "icontains"
        columns = [Q(**{f"{name}__{contains}": keyword}) for name in ("name", "code", "barcode")]
        return self.filter(reduce(or_, columns, Q(pinyin__contains=keyword.lower())))


class Product(models.Model):
    """What a tenant sells, with the master prices that a shop starts from."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="products", verbose_name=_("租户"))
    product_class = models.ForeignKey(ProductClass, models.PROTECT, related_name="products", verbose_name=_("商品分类"))
    code = models.CharField(_("货号"), max_length=32, validators=[is_code])
    barcode = models.CharField(_("条码"), max_length=32, blank=True, db_index=True)
    name = models.CharField(_("名称"), max_length=100)
    pinyin = models.CharField(_("拼音首字母"), max_length=100, blank=True, editable=False)
    unit = models.CharField(_("单位"), max_length=16, default="斤")
    spec = models.CharField(_("规格"), max_length=100, blank=True)
    pricing_type = models.IntegerField(_("计价方式"), choices=PricingType.choices, default=PricingType.COUNT)
    pack_size = QuantityField(_("每箱数量"), default=0, validators=[MinValueValidator(0)], help_text=_("0 表示不按箱。"))
    price = MoneyField(_("价格"), default=ZERO, validators=[MinValueValidator(0)])
    member_price = MoneyField(_("会员价"), default=ZERO, validators=[MinValueValidator(0)])
    source = models.CharField(_("行情来源"), max_length=32, blank=True, editable=False, help_text=_("导入文件名；手工建立的商品为空。"))
    in_use = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now, editable=False)

    objects = ProductQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("商品")
        indexes = [models.Index(fields=["tenant", "product_class", "code"], name="product_of_class")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "code"], name="product_code_unique"),
            # seeds of the market data: a product is file + name + 规格
            models.UniqueConstraint(fields=["tenant", "source", "name", "spec"], condition=~Q(source=""), name="product_of_source_unique"),
            models.CheckConstraint(condition=Q(price__gte=0, member_price__gte=0, pack_size__gte=0), name="product_not_negative"),
            models.CheckConstraint(condition=Q(pricing_type__in=PricingType.values), name="product_pricing_type_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name}（{self.code}）"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.pinyin = pinyin_initials(self.name)
        super().save(*args, **kwargs)

    save.alters_data = True  # type: ignore[attr-defined]


def pinyin_initials(name: str) -> str:
    """``红富士苹果`` → ``hfspg``; what is not Chinese stays, in lower case."""
    return "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()[:100]


class ProductImage(models.Model):
    """A picture of a product; the first by ``sort`` stands for it."""

    product = models.ForeignKey(Product, models.CASCADE, related_name="images", verbose_name=_("商品"))
    image = models.ImageField(_("图片"), upload_to="products/")
    sort = models.IntegerField(_("排序"), default=0)

    class Meta:
        verbose_name = verbose_name_plural = _("商品图片")
        indexes = [models.Index(fields=["product", "sort"], name="image_of_product")]

    def __str__(self) -> str:
        return self.image.name or ""


class OutboxState(models.TextChoices):
    """SENDING is a claim: a row that outlives its lease in it died with its worker, and nobody knows whether it went out."""

    WAITING = "waiting", _("待发送")
    SENDING = "sending", _("发送中")
    SENT = "sent", _("已发送")
    DROPPED = "dropped", _("无需发送")
    GIVEN_UP = "given_up", _("需人工处理")


UNSENT = (OutboxState.WAITING, OutboxState.SENDING)


class OutboxEntryQuerySet(models.QuerySet["OutboxEntry"]):
    def visible_to(self, principal: Principal) -> Self:
        return self.filter(principal.scope(shop="shop_id")) if principal.is_staff else self.none()

    def due(self, now: datetime) -> Self:
        return self.filter(state__in=UNSENT, next_try_at__lte=now)

    def given_up(self) -> Self:
        return self.filter(state=OutboxState.GIVEN_UP)


class OutboxEntry(models.Model):
    """What the world outside is to be told of a change, written with the change: a kind and an id, no personal data."""

    tenant = models.ForeignKey(Tenant, models.PROTECT, related_name="outbox", verbose_name=_("租户"))
    shop_id = models.BigIntegerField(_("门店"))  # no foreign key: shops stand above this app
    kind = models.CharField(_("类型"), max_length=32)
    subject_id = models.BigIntegerField(_("对象编号"), help_text=_("类型决定是哪种对象。"))
    state = models.CharField(_("状态"), max_length=16, choices=OutboxState.choices, default=OutboxState.WAITING)
    attempts = models.PositiveIntegerField(_("尝试次数"), default=0)
    note = models.CharField(_("原因"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("创建时间"), default=timezone.now)
    next_try_at = models.DateTimeField(_("下次尝试"), null=True, blank=True)
    sent_at = models.DateTimeField(_("发送时间"), null=True, blank=True)

    objects = OutboxEntryQuerySet.as_manager()

    class Meta:
        verbose_name = verbose_name_plural = _("通知与上报")
        indexes = [
            models.Index(fields=["next_try_at"], condition=Q(state__in=["waiting", "sending"]), name="outbox_due"),
            models.Index(fields=["tenant", "state", "-id"], name="outbox_of_tenant"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["kind", "subject_id"], name="outbox_once"),
            models.CheckConstraint(condition=Q(state__in=OutboxState.values), name="outbox_state_known"),
            models.CheckConstraint(
                condition=Q(state__in=["waiting", "sending"], next_try_at__isnull=False)
                | Q(state__in=["sent", "dropped", "given_up"], next_try_at__isnull=True),
                name="outbox_unsent_has_turn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject_id}"
