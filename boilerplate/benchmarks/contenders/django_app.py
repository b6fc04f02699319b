"""Django's async view, with its pool of psycopg connections."""

from urllib.parse import urlsplit

import django
from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

import common

url = urlsplit(common.URL)
settings.configure(
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": url.path[1:],
            "USER": url.username,
            "PASSWORD": url.password,
            "HOST": url.hostname,
            "PORT": url.port,
            "OPTIONS": {
                "pool": {"min_size": common.POOL_SIZE, "max_size": common.POOL_SIZE}
            },
        }
    },
)
django.setup()


@sync_to_async
def count() -> int:
    with connection.cursor() as cursor:
        cursor.execute(common.UPSERT)
        return cursor.fetchone()[0]


async def home(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(common.page(await count()))


urlpatterns = [path("", home)]
app = get_asgi_application()
common.freeze()
