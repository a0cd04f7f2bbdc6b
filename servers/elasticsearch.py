"""Elasticsearch and OpenSearch for tests: the real cores, as their makers publish them on Maven Central.

``python -m servers.elasticsearch`` fetches them (once; they stay in the user's cache folder). The cores come without
modules; those that a usual installation has and we use are published as jars, and are put in place here.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import attrs

from servers.private import PREFIX, PrivateServer, absent, free_port

#: Seconds that Maven has for one file; and Java, to write an archive of classes.
FETCHING, ARCHIVING = 300, 180
#: Beside an engine's programs.
CLASSES = "classes.jsa"


@attrs.frozen
class Flavour:
    """One engine: Maven coordinates of its core and of its modules, with the class of each."""

    name: str
    version: str
    core: str
    product: str = "elasticsearch"
    java: str = "1.8"
    modules: tuple[tuple[str, str, str], ...] = ()

    @property
    def title(self) -> str:
        return f"{self.name}-{self.version}"


ELASTICSEARCH = Flavour(
    "elasticsearch", "7.10.2", "org.elasticsearch.distribution.integ-test-zip:elasticsearch:7.10.2:zip",
    modules=(
        ("analysis-common", "org.codelibs.elasticsearch.module:analysis-common:7.10.2:jar",
         "org.elasticsearch.analysis.common.CommonAnalysisPlugin"),
        ("mapper-extras", "org.codelibs.elasticsearch.module:mapper-extras:7.10.2:jar",
         "org.elasticsearch.index.mapper.MapperExtrasPlugin"),
    ),
)  # fmt: skip
OPENSEARCH = Flavour(
    "opensearch", "2.19.6", "org.opensearch.distribution.integ-test-zip:opensearch:2.19.6:zip", "opensearch", "11",
    modules=(
        ("analysis-common", "org.opensearch.plugin:analysis-common:2.19.6:jar",
         "org.opensearch.analysis.common.CommonAnalysisPlugin"),
        ("mapper-extras", "org.opensearch.plugin:mapper-extras-client:2.19.6:jar",
         "org.opensearch.index.mapper.MapperExtrasPlugin"),
    ),
)  # fmt: skip
#: A core alone: no language has an analyser.
ELASTICSEARCH_8 = Flavour(
    "elasticsearch8", "8.18.0", "org.elasticsearch.distribution.integ-test-zip:elasticsearch:8.18.0:zip", java="17"
)
FLAVOURS = (ELASTICSEARCH, OPENSEARCH, ELASTICSEARCH_8)

#: Started quickly rather than made to run long.
HEAP = "-Xms384m -Xmx384m -Xshare:auto -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -XX:-AlwaysPreTouch"
#: What their scripts give Java besides, whatever the machine.
OPTIONS = (
    "-Xss1m", "-Djava.awt.headless=true", "-Dfile.encoding=UTF-8", "-Djna.nosys=true", "-XX:-OmitStackTraceInFastThrow",
    "-Dio.netty.noUnsafe=true", "-Dio.netty.noKeySetOptimization=true", "-Dio.netty.recycler.maxCapacityPerThread=0",
    "-Dio.netty.allocator.numDirectArenas=0", "-Dlog4j.shutdownHookEnabled=false", "-Dlog4j2.disable.jmx=true",
    "-Djava.locale.providers=SPI,COMPAT",
)  # fmt: skip
#: Of a product, how its properties begin, and what is run.
STARTED = {
    "elasticsearch": ("es", "org.elasticsearch.bootstrap.Elasticsearch"),
    "opensearch": ("opensearch", "org.opensearch.bootstrap.OpenSearch"),
}

DESCRIPTOR = """description={name}
version={version}
name={name}
classname={plugin}
java.version={java}
{product}.version={version}
extended.plugins=
has.native.controller=false
"""


class ElasticsearchServer(PrivateServer):
    """One node, which is a cluster; started quickly rather than made to run long."""

    unprivileged = True
    patience = 90.0

    def __init__(self, flavour: Flavour = ELASTICSEARCH, archive: bool = False) -> None:
        self.name = flavour.name
        self._archive = archive
        self.flavour = flavour
        self.java = java_home()
        self.programs = unpacked(flavour)
        super().__init__()
        self.transport_port = free_port()
        for part in ("data", "logs", "tmp"):
            (self.folder / part).mkdir()
            self.own(self.folder / part)
        shutil.copytree(self.programs / "config", self.folder / "config")
        self._configure()
        for path in (self.folder / "config", *(self.folder / "config").rglob("*")):
            self.own(path)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self) -> list[str]:
        """The program itself: the script before it starts Java six times to find out what is known here."""
        if self.flavour is ELASTICSEARCH_8:
            return [str(self.programs / "bin" / self.flavour.product)]
        prefix, main = STARTED[self.flavour.product]
        classes = ":".join(str(jar) for jar in sorted((self.programs / "lib").glob("*.jar")))
        return [
            str(self.java / "bin" / "java"), *self._classes(), *HEAP.split(), *OPTIONS, f"-D{prefix}.networkaddress.cache.ttl=60",
            f"-Djava.io.tmpdir={self.folder / 'tmp'}", f"-D{prefix}.path.home={self.programs}",
            f"-D{prefix}.path.conf={self.folder / 'config'}", f"-D{prefix}.distribution.flavor=oss",
            f"-D{prefix}.distribution.type=zip", f"-D{prefix}.bundled_jdk=false", "-cp", classes, main,
        ]  # fmt: skip

    def _classes(self) -> list[str]:
        """What Java is told of an archive of them."""
        if self._archive:
            return [
                f"-XX:ArchiveClassesAtExit={self.folder / 'data' / CLASSES}",
                "-Xlog:cds=off",
                "-Xlog:cds+dynamic=off",
            ]
        kept = self.programs / CLASSES
        return [f"-XX:SharedArchiveFile={kept}"] if kept.exists() else []

    def environment(self) -> dict[str, str]:
        if self.flavour is not ELASTICSEARCH_8:
            return {}
        return {
            "JAVA_HOME": str(self.java), "ES_JAVA_HOME": str(self.java), "ES_PATH_CONF": str(self.folder / "config"),
            "ES_JAVA_OPTS": HEAP, "ES_TMPDIR": str(self.folder / "tmp"), "CLI_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -Xshare:auto",
        }  # fmt: skip

    def _configure(self) -> None:
        options = self.folder / "config" / "jvm.options"
        kept = [line for line in options.read_text().splitlines() if "Xlog:gc" not in line and "UseG1GC" not in line]
        options.write_text("\n".join(kept) + "\n")
        lines: dict[str, str | int] = {
            "http.port": self.port, "transport.port": self.transport_port, "discovery.type": "single-node",
            "network.host": "127.0.0.1", "path.data": f"{self.folder}/data", "path.logs": f"{self.folder}/logs",
            "node.processors": 2, "cluster.name": f"harvest-{self.port}", "node.name": "test",
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }  # fmt: skip
        if self.flavour is ELASTICSEARCH_8:  # it would make certificates at its first start, which takes minutes
            lines |= {"xpack.security.enabled": "false", "xpack.ml.enabled": "false", "xpack.watcher.enabled": "false"}
        with open(self.folder / "config" / f"{self.flavour.product}.yml", "w") as file:
            file.write("".join(f"{name}: {value}\n" for name, value in lines.items()))

    def answers(self) -> bool:
        with urllib.request.urlopen(f"{self.url}/_cluster/health", timeout=5) as answer:
            return bool(json.load(answer)["status"] != "red")


def install() -> None:
    """Fetch and unpack every flavour that is not there yet. Raises OSError or subprocess errors."""
    if java_found() is None:
        raise OSError("java is not installed: apt install openjdk-17-jre-headless")
    for flavour in FLAVOURS:
        _place(flavour)
    _archive(ELASTICSEARCH)


def _archive(flavour: Flavour) -> None:
    """Have Java keep the classes that an engine loads at its start, as it has them in memory: every later start takes half the CPU. Those
    of the one engine that is started several times in a run; without them all goes well, too."""
    kept = _place(flavour) / CLASSES
    with _alone(kept.with_suffix(".lock")):
        if kept.exists():
            return
        server = ElasticsearchServer(flavour, archive=True)
        try:
            server.start()
            assert server.process is not None
            server.process.terminate()
            server.process.wait(ARCHIVING)
            server.process = None
            shutil.copy(server.folder / "data" / CLASSES, kept.with_suffix(".new"))
            kept.with_suffix(".new").chmod(0o644)
            kept.with_suffix(".new").rename(kept)
        except (AssertionError, OSError, subprocess.TimeoutExpired) as error:
            print(f"{flavour.title} starts more slowly than it could: {error}", file=sys.stderr)
        finally:
            server.remove()


def java_found() -> Path | None:
    """The home of the Java that JAVA_HOME or PATH names."""
    if os.environ.get("JAVA_HOME"):
        return Path(os.environ["JAVA_HOME"])
    program = shutil.which("java")
    return Path(program).resolve().parent.parent if program else None


def java_home() -> Path:
    """The same; without one the test is skipped, and fails with ``CI=true``."""
    home = java_found()
    if home is None:
        absent("java is not installed: apt install openjdk-17-jre-headless, or make install-servers")
    assert home is not None
    return home


def unpacked(flavour: Flavour) -> Path:
    """The folder of an engine's programs, fetched if need be; where that cannot be done the test is skipped."""
    try:
        return _place(flavour)
    except (OSError, subprocess.SubprocessError, zipfile.BadZipFile) as error:
        absent(f"{flavour.title} could not be fetched ({error}): make install-servers")
        raise


def _place(flavour: Flavour) -> Path:
    """Unpacked where the account that runs it can read it, once for all runs."""
    base = Path(tempfile.gettempdir()) / f"{PREFIX}programs"
    home = base / flavour.title
    done = home / "assembled"
    if done.exists():
        return home
    base.mkdir(mode=0o755, exist_ok=True)
    with _alone(base / f"{flavour.title}.lock"):
        if done.exists():
            return home
        core = _fetched(flavour.core)
        modules = [(name, _fetched(artifact), plugin) for name, artifact, plugin in flavour.modules]
        shutil.rmtree(home, ignore_errors=True)
        with tempfile.TemporaryDirectory(dir=base) as scratch:
            with zipfile.ZipFile(core) as archive:
                archive.extractall(scratch)
            (top,) = Path(scratch).iterdir()
            for name, jar, plugin in modules:
                folder = top / "modules" / name
                folder.mkdir(parents=True)
                shutil.copy(jar, folder)
                (folder / "plugin-descriptor.properties").write_text(
                    DESCRIPTOR.format(
                        name=name, version=flavour.version, plugin=plugin, java=flavour.java, product=flavour.product
                    )
                )
            _readable(top)
            top.rename(home)
        done.touch()
    return home


def _readable(top: Path) -> None:
    """For every account; what is to be run can be run (zip files opened so lose that)."""
    (top / "plugins").mkdir(exist_ok=True)  # some cores are packed without theirs
    for path in (top, *top.rglob("*")):
        runs = path.is_dir() or path.parent.name in ("bin", "cli") or not path.suffix
        path.chmod(0o755 if runs else 0o644)


def _fetched(artifact: str) -> Path:
    """The file of a Maven artifact (group:name:version:ending), from the user's cache folder or by mvn."""
    _, name, version, ending = artifact.split(":")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "harvestd-tests"
    file = cache / f"{name}-{version}.{ending}"
    if file.exists():
        return file
    file.parent.mkdir(parents=True, exist_ok=True)
    with _alone(cache / f"{name}-{version}.lock"):
        if file.exists():
            return file
        maven = shutil.which("mvn")
        if maven is None:
            raise OSError("mvn is not installed: apt install maven")
        print(f"Fetching {artifact} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            done = subprocess.run(
                [maven, "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={scratch}"],
                cwd=scratch, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                timeout=FETCHING,
            )  # fmt: skip
            if done.returncode:
                raise OSError(f"mvn could not fetch {artifact}: {done.stdout.strip()[-500:]}")
            (Path(scratch) / f"{name}-{version}.{ending}").rename(file)
    return file


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One process at a time."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    install()
