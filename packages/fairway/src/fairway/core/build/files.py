"""The files of an app's images, ready to be written: Dockerfile, what it ignores, what is in it.

The way in to `core/build` beside `images`. Pure; the same sources give the same bytes.
"""

from collections.abc import Mapping, Sequence

from fairway.core.build.dockerfile import dockerfile
from fairway.core.build.ignore import dockerignore
from fairway.core.build.images import Image
from fairway.core.build.sbom import sbom
from fairway.core.detect.sources import Sources

__all__ = ["build_files"]


def build_files(
    app: str,
    images: Sequence[Image],
    sources: Sources,
    *,
    version: str,
    runtime_version: str,
    base: str | None = None,
) -> Mapping[str, str]:
    """Name -> text: three files an image. `base` replaces the base that each would have."""
    found: dict[str, str] = {}
    ignored = dockerignore(sources.texts.get(".dockerignore", ""))
    for image in images:
        found[image.dockerfile] = dockerfile(image, runtime_version=runtime_version, base=base)
        found[f"{image.dockerfile}.dockerignore"] = ignored
        found[f"{image.name}.cdx.json" if image.name else "sbom.cdx.json"] = sbom(
            app, image, version=version, runtime_version=runtime_version, base=base
        )
    return dict(sorted(found.items()))
