"""Pictures of products: uploaded by those who run the farm, made in each size by a worker, shown to anyone."""

from __future__ import annotations

from harvestd.kernel import errors
from harvestd.kernel.permissions import Permission
from harvestd.kernel.topology import Queue
from harvestd.market.pictures import events, handlers, routes, shapes
from harvestd.market.subject import Subject
from harvestd.queue.work import QueueHandlers
from harvestd.web.routes import Mode, Route, Section

_PICTURES = Section("pictures", "Pictures of products.", shapes.WORDS)

SUBJECT = Subject(
    name="pictures",
    events={"image.uploaded": events.ImageUploaded},
    routes=(
        Route(method="GET", path="/api/products/{id}/images", operation="listImages", handler=routes.listed, permission=Permission.CHANGE_PRODUCTS, mode=Mode.FRESH,
              section=_PICTURES, summary="All pictures of a product, in order", answer=shapes.Images, limit="rate_read", errors=(errors.NotFound, errors.Forbidden),
              description="Also those that cannot be shown yet, or at all, and why; the product itself has those that can."),
        Route(method="POST", path="/api/products/{id}/images", operation="addImage", handler=routes.add, permission=Permission.CHANGE_PRODUCTS, mode=Mode.OWN,
              section=_PICTURES, summary="Add a picture to a product", body=shapes.NewImage, rules=routes.faults, answer=shapes.Uploaded, status=202, key="optional",
              upload=True, limit="rate_upload", endpoint_class="images", errors=(errors.NotFound, errors.Forbidden, errors.Conflict, errors.Invalid, errors.WrongKind),
              description="It is made anew in three sizes, which takes some seconds, without what its file says of where it was taken, and is then among the product's `images`."),
        Route(method="PATCH", path="/api/products/{id}/images/{image_id}", operation="changeImage", handler=routes.change, permission=Permission.CHANGE_PRODUCTS,
              mode=Mode.WRITE, section=_PICTURES, summary="Describe a picture, or move it", body=shapes.ChangeImage, rules=routes.faults, answer=shapes.ChangedImage,
              may_match=True, errors=(errors.NotFound, errors.Forbidden), description="The version is the product's."),
        Route(method="DELETE", path="/api/products/{id}/images/{image_id}", operation="deleteImage", handler=routes.delete, permission=Permission.CHANGE_PRODUCTS,
              mode=Mode.WRITE, section=_PICTURES, summary="Take a picture away", status=204, may_match=True, errors=(errors.NotFound, errors.Forbidden),
              description="The version is the product's."),
        Route(method="GET", path="/media/{shard}/{file}", operation="getMedia", handler=routes.see, permission=None, mode=Mode.FRESH, section=_PICTURES,
              summary="A file of a picture, at the address that its product names", media_type="image/*", media_types=("image/webp", "image/jpeg"), stored=True,
              credentials=False, limit="rate_read", endpoint_class="blobs", errors=(errors.NotFound,),
              description="A market that keeps its pictures elsewhere (`media_base`) answers 307: follow it."),
    ),
    handlers={Queue("harvest.images", ("image.uploaded",), 2): QueueHandlers(apart={"image.uploaded": handlers.make})},
)  # fmt: skip
