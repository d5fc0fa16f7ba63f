"""Index releases: what there is, how two differ, and which one is in use."""

from collections.abc import Sequence
from typing import Annotated, Protocol, cast

from fastapi import APIRouter, Depends, Path, Query, Request, Security

from app.api.admin import AdminRoute, bearer
from app.api.openapi import problems
from app.api.release_schemas import DifferenceReport, ReleaseList, ReleaseReport
from app.domain.releases import Manifest, ReleaseDifference

_NAME = r"^[0-9TZ]{1,40}-[0-9a-f]{12}$"

router = APIRouter(
    prefix="/releases",
    tags=["documents"],
    route_class=AdminRoute,
    dependencies=[Security(bearer)],
    responses=problems(400, 401, 403, 503, 504),
)


class Keeper(Protocol):
    """Keeps index releases."""

    async def manifests(self) -> Sequence[Manifest]:
        """Return all whole releases, newest first."""
        ...

    async def in_use(self) -> Manifest | None:
        """Return the current one."""
        ...

    async def difference(self, old: str = "", new: str = "") -> ReleaseDifference:
        """Compare two, by default the last two; raises NotFound, IndexMismatch, IndexCorrupt."""
        ...

    async def activate(self, name: str) -> Manifest:
        """Use one that is there; raises NotFound, IndexMismatch, IndexCorrupt."""
        ...

    async def rollback(self) -> Manifest:
        """Use the one before; raises NotFound where there is none."""
        ...


async def _keeper(request: Request) -> Keeper:
    return cast("Keeper", request.state.services.releases)


KeeperDep = Annotated[Keeper, Depends(_keeper)]
Name = Annotated[str, Path(pattern=_NAME, max_length=60, description="The release's name.")]
Optional = Annotated[str, Query(pattern=rf"{_NAME}|^$", max_length=60, description="By default, of the last two.")]


@router.get("", summary="List index releases")
async def list_releases(keeper: KeeperDep) -> ReleaseList:
    """Return all whole releases, newest first."""
    current = await keeper.in_use()
    used = current.release if current else ""
    return ReleaseList(releases=[ReleaseReport.of(item, used) for item in await keeper.manifests()])


@router.get("/diff", summary="Compare two index releases", responses=problems(404, 409))
async def compare_releases(keeper: KeeperDep, old: Optional = "", new: Optional = "") -> DifferenceReport:
    """Return which documents differ, and which golden questions find their document in only one of the two."""
    return DifferenceReport.of(await keeper.difference(old, new))


@router.post("/rollback", summary="Go back by one index release", responses=problems(404, 409))
async def roll_back(keeper: KeeperDep) -> ReleaseReport:
    """Use the release before the one in use, until the sources change again."""
    manifest = await keeper.rollback()
    return ReleaseReport.of(manifest, manifest.release)


@router.post("/{release}/activate", summary="Use an index release", responses=problems(404, 409))
async def activate_release(keeper: KeeperDep, release: Name) -> ReleaseReport:
    """Use a release that is there, until the sources change again; every process follows within 2 s."""
    manifest = await keeper.activate(release)
    return ReleaseReport.of(manifest, manifest.release)
