"""Where parcels go: the provinces that an address begins with, and the regions that a shop serves."""

import re

PROVINCES = (
    *("北京市", "天津市", "上海市", "重庆市", "河北省", "山西省", "辽宁省", "吉林省", "黑龙江省", "江苏省", "浙江省", "安徽省"),
    *("福建省", "江西省", "山东省", "河南省", "湖北省", "湖南省", "广东省", "海南省", "四川省", "贵州省", "云南省", "陕西省"),
    *("甘肃省", "青海省", "台湾省", "内蒙古自治区", "广西壮族自治区", "西藏自治区", "宁夏回族自治区", "新疆维吾尔自治区"),
    *("香港特别行政区", "澳门特别行政区"),
)
# What people leave out: 上海浦东 is 上海市浦东.
LEFT_OUT = re.compile(r"[\s省市]|特别行政区|(?:壮族|回族|维吾尔)?自治区")


def covers(served: str, address: str) -> bool:
    """Whether ``address`` begins with one of the regions in ``served``, which commas separate; none is everywhere."""
    regions = [LEFT_OUT.sub("", region) for region in re.split("[,，、;；]", served)]
    begun = LEFT_OUT.sub("", address)
    return not any(regions) or any(region and begun.startswith(region) for region in regions)


def joined(province: str, city: str, street: str) -> str:
    return " ".join((province, city, street))


def parted(address: str) -> tuple[str, str, str]:
    """Province, city with district, and street of what ``joined`` made; of an older address the street alone."""
    parts = address.split(" ", 2)
    return (parts[0], parts[1], parts[2]) if len(parts) == 3 and parts[0] in PROVINCES else ("", "", address)
