"""The API of bringing songs in."""

from __future__ import annotations

from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_authentication import ApiTokenAuthentication
from accounts.services.allowances import may_upload

from ..services.quotas import Quota, quota_of
from ..services.uploads import UploadRefused, refuse_if_full, save_upload, size_limit
from . import serializers
from .errors import TooLarge

# What surrounds a file in a form.
_OTHER_PARTS_BYTES = 100_000


class MayUpload(BasePermission):
    """Allows those who may upload."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the sender may upload."""
        return may_upload(cast(User, request.user))


class Upload(APIView):
    """Where songs are brought in, one at a time, by those who may."""

    name = "Upload"
    permission_classes = [IsAuthenticated, MayUpload]
    parser_classes = [MultiPartParser]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse too much, or from whom nothing more is taken, before the body is read."""
        # Before anything, the look for a CSRF token included, reads the file.
        length = int(request.META.get("CONTENT_LENGTH") or 0) - _OTHER_PARTS_BYTES
        if length > size_limit():
            raise TooLarge(f"At most {settings.UPLOAD_MAX_MEGABYTES} MB are taken at once.")
        if request.method == "POST" and (user := _sender(request)) is not None and may_upload(user):
            quota = quota_of(user)
            _refuse_if_full(quota)
            if quota.left_bytes is not None and length > quota.left_bytes:
                raise TooLarge(f"The file is {quota.why_too_large}.")
        super().initial(request, *args, **kwargs)

    @extend_schema(responses=serializers.QuotaSerializer)
    def get(self, request: Request) -> Response:
        """How much you may upload, and how much you have."""
        return Response(serializers.QuotaSerializer(quota_of(cast(User, request.user))).data)

    @extend_schema(
        request={"multipart/form-data": serializers.UploadSerializer},
        responses={201: serializers.SongSerializer, 200: serializers.SongSerializer},
    )
    def post(self, request: Request) -> Response:
        """Bring in a song; one that is here already is answered with 200."""
        sent = serializers.UploadSerializer(data=request.data)
        sent.is_valid(raise_exception=True)
        try:
            upload = save_upload(sent.validated_data["file"], cast(User, request.user))
        except UploadRefused as error:
            if error.full:
                raise PermissionDenied(str(error)) from error
            raise (TooLarge(str(error)) if error.too_large else ValidationError({"file": [str(error)]})) from error
        song = serializers.SongSerializer(upload.song, context={"request": request})
        return Response(song.data, status.HTTP_201_CREATED if upload.new else status.HTTP_200_OK)


def _sender(request: Request) -> User | None:
    """Who sends a request, as far as that is known without its body; None where it is not, or is nobody."""
    # Looking at the session's CSRF token, as REST framework does, may read the body.
    by_token = ApiTokenAuthentication().authenticate(request)
    user = request._request.user if by_token is None else by_token[0]
    return user if isinstance(user, User) else None


def _refuse_if_full(quota: Quota) -> None:
    try:
        refuse_if_full(quota)
    except UploadRefused as error:
        raise PermissionDenied(str(error)) from error
