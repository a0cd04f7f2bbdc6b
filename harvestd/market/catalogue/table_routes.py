"""Products in files: importing and exporting them."""

from __future__ import annotations

from twisted.internet.threads import deferToThreadPool

from harvestd.market.catalogue import exporting, importing, table_rules
from harvestd.market.catalogue.farm_choice import farm_of
from harvestd.market.catalogue.import_shapes import ExportQuery, ImportProducts, ImportQuery
from harvestd.market.catalogue.many_routes import may_restock
from harvestd.market.long_work.kinds import Operation
from harvestd.market.long_work.showing import accepted
from harvestd.unit_of_work import UnitOfWork
from harvestd.web.context import RequestContext, Result
from harvestd.web.http.streams import Stream
from harvestd.web.translated import languages_of
from harvestd.web.uploads import Upload


async def take(request: RequestContext, body: ImportProducts, upload: Upload, query: ImportQuery) -> Result:
    """Begin to import a file of products."""
    parts, caller = request.parts, request.user
    farm = await farm_of(request.reader, caller, query.farm_id)
    pool = parts.reactor.getThreadPool()
    languages = languages_of(parts.settings)
    table = await deferToThreadPool(parts.reactor, pool, table_rules.examined, upload.file, languages)

    async def begin(unit: UnitOfWork) -> Operation:
        return await importing.begin(
            unit, caller, farm, upload.file, table, dry_run=query.dry_run, may_restock=may_restock(caller)
        )

    return accepted(request, await request.write(begin))


async def export_csv(request: RequestContext, query: ExportQuery) -> Result:
    """A farm's products as a spreadsheet reads them."""
    return await _exported(request, query, "csv", exporting.csv_of(languages_of(request.parts.settings)))


async def export_jsonl(request: RequestContext, query: ExportQuery) -> Result:
    """A farm's products, one on each line."""
    return await _exported(request, query, "jsonl", exporting.jsonl_of(languages_of(request.parts.settings)))


async def _exported(request: RequestContext, query: ExportQuery, ending: str, written: exporting.Written) -> Result:
    farm = await farm_of(request.reader, request.user, query.farm_id)
    currency = request.parts.settings.market_currency
    name = ("Content-Disposition", f'attachment; filename="{farm.slug}.{ending}"')
    pieces = exporting.pieces(request.reader, farm.id, currency, written)
    return Result(Stream(pieces), headers=(name, ("Cache-Control", "private, no-store")), media_type=written.media_type)
