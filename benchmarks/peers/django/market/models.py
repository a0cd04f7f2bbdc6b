"""The part of harvestd's schema that is read here; harvestd's migrations own it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models


class Farm(models.Model):
    id = models.UUIDField(primary_key=True)
    slug = models.TextField(unique=True)
    name = models.TextField()
    staffed = models.BooleanField()

    class Meta:
        managed = False
        db_table = "farms"


class Category(models.Model):
    id = models.UUIDField(primary_key=True)
    parent = models.ForeignKey("self", models.DO_NOTHING, null=True)
    slug = models.TextField(unique=True)
    name = models.TextField()

    class Meta:
        managed = False
        db_table = "categories"


class Product(models.Model):
    id = models.UUIDField(primary_key=True)
    slug = models.TextField(unique=True)
    farm = models.ForeignKey(Farm, models.DO_NOTHING)
    category = models.ForeignKey(Category, models.DO_NOTHING, null=True)
    title = models.TextField()
    description = models.TextField()
    unit = models.TextField()
    price = models.BigIntegerField()
    price_per = models.DecimalField(max_digits=12, decimal_places=3)
    stock = models.DecimalField(max_digits=12, decimal_places=3)
    reserved = models.DecimalField(max_digits=12, decimal_places=3)
    quantity_step = models.DecimalField(max_digits=12, decimal_places=3)
    min_quantity = models.DecimalField(max_digits=12, decimal_places=3)
    season_from = models.TextField(null=True)
    season_to = models.TextField(null=True)
    harvested_on = models.DateField(null=True)
    tags = ArrayField(models.TextField())
    sku = models.TextField()
    external_id = models.TextField(null=True)
    gtin = models.TextField()
    lot = models.TextField()
    allergens = ArrayField(models.TextField())
    ingredients = models.TextField()
    origin = models.TextField()
    storage = models.TextField(null=True)
    durability_kind = models.TextField(null=True)
    durability_date = models.DateField(null=True)
    certifications = models.JSONField()
    metadata = models.JSONField()
    status = models.TextField()
    upvote_count = models.IntegerField()
    view_count = models.BigIntegerField()
    rating_count = models.IntegerField()
    rating_average = models.DecimalField(max_digits=4, decimal_places=3)
    version = models.IntegerField()
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "products"
