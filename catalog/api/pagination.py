"""How the API hands out long lists."""

from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    """Pages of 50, or of `page_size`, 500 at most."""

    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
