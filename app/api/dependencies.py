"""What routes are given: the services and the facts about this service, put into the lifespan's state at start."""

from dataclasses import dataclass
from typing import Annotated, TypedDict, cast

from fastapi import Depends, Request

from app.api.admin import AdminRules
from app.api.client_config import ClientConfig
from app.api.ending import Ending
from app.api.realtime.channel import RealTime
from app.api.uploads import DocumentRules
from app.services.bundle import Services


@dataclass(frozen=True, slots=True)
class About:
    """What the service says of itself; `prefix` is where the versioned API begins."""

    name: str
    version: str
    prefix: str


class State(TypedDict):
    """What the lifespan hands to every request."""

    services: Services
    about: About
    admin: AdminRules
    documents: DocumentRules
    config: ClientConfig
    realtime: RealTime
    ending: Ending


async def _services(request: Request) -> Services:
    return cast("Services", request.state.services)


async def _about(request: Request) -> About:
    return cast("About", request.state.about)


ServicesDep = Annotated[Services, Depends(_services)]
AboutDep = Annotated[About, Depends(_about)]
