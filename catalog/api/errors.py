"""What the API refuses besides what REST framework knows to refuse."""

from rest_framework import status
from rest_framework.exceptions import APIException


class TooLarge(APIException):
    """More was sent than the server takes: status 413."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "This is more than the server takes at once."
    default_code = "too_large"
