"""``/api/auth/…``: credentials for mini-programs and staff."""

from typing import Any

from knox.models import AuthToken
from rest_framework.request import Request
from rest_framework.response import Response

from retail.login import wechat_and_password
from retail.principals import principal_of
from retail.rights import Right
from retail.serializers import LoginGives, LoginResult, StaffLoginTakes, WeChatLoginTakes
from retail.throttles import CountsFailures, LoginFailures, PerAddress
from retail.wire.envelope import ok
from retail.wire.views import endpoint


class AuthViewSet(CountsFailures):
    @endpoint(
        "POST",
        "wechatlogin",
        right=Right.LOG_IN,
        title="小程序登录",
        takes=WeChatLoginTakes,
        gives=LoginResult,
        throttles=(PerAddress,),
    )
    def log_in_wechat(self, request: Request) -> Response:
        return ok(data=self.give(LoginGives, wechat_and_password.log_in_wechat(**self.valid())))

    @endpoint("POST", "login", right=Right.LOG_IN, title="员工登录", takes=StaffLoginTakes, gives=LoginResult, throttles=(LoginFailures,))
    def log_in_staff(self, request: Request) -> Response:
        return ok(data=self.give(LoginGives, wechat_and_password.log_in_staff(request=request._request, **self.valid())))

    @endpoint("POST", "logout", right=Right.LOG_OUT, title="退出登录")
    def log_out(self, request: Request) -> Response:
        wechat_and_password.log_out(token=request.auth if isinstance(request.auth, AuthToken) else None)
        return ok()

    def get_serializer_context(self) -> dict[str, Any]:
        return super().get_serializer_context() | {"role_of": lambda login: principal_of(login.user).role}
