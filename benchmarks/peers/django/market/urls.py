"""Routes. With CACHE, answers come from Django's cache, by path and query."""

from django.conf import settings
from django.urls import path
from django.views.decorators.cache import cache_page

from market import views

kept = cache_page(300) if settings.CACHE else lambda view: view

urlpatterns = [
    path("api/products", kept(views.product_list)),
    path("api/products/<str:token>", kept(views.product_detail)),
]
