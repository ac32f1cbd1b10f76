"""The wire of the auth endpoints."""

from rest_framework import serializers

from retail.wire.fields import Moment, Text
from retail.wire.serializers import GivesSerializer, ResultSerializer, TakesSerializer


class WeChatLoginTakes(TakesSerializer):
    code = Text(required=True, max_length=128)
    appId = Text(source="app_id", max_length=64)
    userName = Text(source="name", max_length=64)
    userProfile = Text(source="picture", max_length=500)
    phoneCode = Text(source="phone_code", max_length=128)


class StaffLoginTakes(TakesSerializer):
    username = Text(required=True, max_length=150)
    password = Text(required=True, max_length=128, trim_whitespace=False)


class LoginGives(GivesSerializer):
    token = Text()
    expiresAt = Moment(source="expires_at")
    userId = serializers.IntegerField(source="user.pk")
    userName = Text(source="user.nickname")
    openId = Text(source="open_id")
    role = serializers.SerializerMethodField()
    tenantId = serializers.IntegerField(source="user.tenant_id")

    def get_role(self, login: object) -> str:
        return str(self.context["role_of"](login))


class LoginResult(ResultSerializer):
    data = LoginGives()  # type: ignore[assignment]  # the wire's name
