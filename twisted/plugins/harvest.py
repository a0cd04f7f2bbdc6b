"""What twistd finds: two commands. Nothing of harvestd, nor the reactor, is imported until one of them is chosen."""

from twisted.application.service import ServiceMaker

api = ServiceMaker("harvest-api", "harvestd.api", "The market's HTTP API, with all that it needs.", "harvest-api")
worker = ServiceMaker("harvest-worker", "harvestd.worker", "The market's queue consumers.", "harvest-worker")
