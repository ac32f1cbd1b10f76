"""Products and classes that the market's files name; made once, found again by file, name and 规格."""

from collections.abc import Iterable, Iterator
from itertools import count

from django.utils.translation import gettext_lazy as _

from pricing.market.files import BadFile, MarketRow, piece_of
from retail.models import PricingType, Product, ProductClass, Tenant, pinyin_initials

# Codes have six digits, which the keys of a scale can hold; the first tells the file.
BLOCK_SIZE = 100_000
BLOCKS = {"fruit": 1, "vegetables": 2}
CLASS_NAMES = {"fruit": "水果", "vegetables": "蔬菜"}
WEIGHED = ("斤", "公斤", "千克", "kg")


class Catalogue:
    """The tenant's products of one file. ``products_made`` and ``classes_made`` count what this import added."""

    def __init__(self, *, tenant: Tenant, source: str) -> None:
        self.tenant = tenant
        self.source = source
        of_source = Product.objects.filter(tenant=tenant, source=source).values_list("name", "spec", "pk")
        self.ids = {(name, spec): pk for name, spec, pk in of_source}
        self.codes = self.free_codes()
        self.classes: dict[str, ProductClass] = {}
        self.products_made = self.classes_made = 0

    def ids_of(self, rows: Iterable[MarketRow]) -> list[int]:
        """The product of each row; what is missing is made, with codes in the order of first appearance."""
        rows = list(rows)
        new = {(row.name, row.spec): row for row in rows if (row.name, row.spec) not in self.ids}
        made = Product.objects.bulk_create([self.product(row) for row in new.values()])
        self.ids |= {(product.name, product.spec): product.pk for product in made}
        self.products_made += len(made)
        return [self.ids[row.name, row.spec] for row in rows]

    def product(self, row: MarketRow) -> Product:
        piece = piece_of(row.name)
        return Product(
            tenant=self.tenant,
            product_class=self.class_of(row.spec),
            code=next(self.codes),
            name=row.name,
            pinyin=pinyin_initials(row.name),
            unit=piece or row.unit,
            spec=row.spec,
            pricing_type=PricingType.COUNT if piece or row.unit not in WEIGHED else PricingType.WEIGHT,
            source=self.source,
        )

    def free_codes(self) -> Iterator[str]:
        taken = set(Product.objects.filter(tenant=self.tenant).values_list("code", flat=True))
        first = self.block(taken) * BLOCK_SIZE + 1
        for number in range(first, first + BLOCK_SIZE - 1):
            if str(number) not in taken:
                yield str(number)
        raise BadFile(_("{source} 的货号已用完：请拆分为两个文件").format(source=self.source))

    def block(self, taken: set[str]) -> int:
        """The first digit of the file's codes: as before, else the file's own, else the first that nobody uses."""
        if self.source in BLOCKS:
            return BLOCKS[self.source]
        before = Product.objects.filter(tenant=self.tenant, source=self.source).order_by("pk").values_list("code", flat=True).first()
        if before:
            return int(before[0])
        used = {*BLOCKS.values(), *(int(code[0]) for code in taken if len(code) == 6 and code.isdecimal())}
        for digit in range(1, 10):
            if digit not in used:
                return digit
        raise BadFile(_("货号段 1–9 已用完，不能再导入新文件 {source}").format(source=self.source))

    def class_of(self, spec: str) -> ProductClass:
        """The class of the file, and below it the one of the 规格."""
        if not self.classes:
            name = CLASS_NAMES.get(self.source, self.source)
            self.classes[""] = self.found_or_made(parent=None, name=name, code=self.source)
        if spec not in self.classes:
            self.classes[spec] = self.found_or_made(parent=self.classes[""], name=spec, code=self.free_class_code())
        return self.classes[spec]

    def found_or_made(self, *, parent: ProductClass | None, name: str, code: str) -> ProductClass:
        same = {"parent": parent, "name": name} if parent else {"code": code}
        found, made = ProductClass.objects.get_or_create(tenant=self.tenant, **same, defaults={"code": code, "name": name})
        self.classes_made += made
        return found

    def free_class_code(self) -> str:
        taken = set(ProductClass.objects.filter(tenant=self.tenant).values_list("code", flat=True))
        return next(code for code in (f"{self.source}-{number:02d}" for number in count(1)) if code not in taken)
