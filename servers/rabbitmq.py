"""RabbitMQ for tests: a node of its own, with its own epmd, cookie, ports and folder, and no plugins.

Everything that tests do to it goes through a line to the node's Erlang shell (``evaluate``), which takes milliseconds;
the command line tools start an Erlang of their own, which takes seconds, and are there for those who want exactly them.
"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pika
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pika.exceptions import AMQPError

from servers.private import PrivateServer, die_with_parent, free_port, needed, wait_until

USER, PASSWORD = "harvest", "the-password-of-the-tests"

CONFIGURATION = """
listeners.tcp.1 = 127.0.0.1:{port}
num_acceptors.tcp = 2
default_user = {user}
default_pass = {password}
vm_memory_high_watermark.absolute = 1GiB
disk_free_limit.absolute = 10MB
log.file = false
log.console = true
log.console.level = warning
"""

TLS = """
listeners.ssl.1 = 127.0.0.1:{port}
ssl_options.cacertfile = {folder}/certificate.pem
ssl_options.certfile = {folder}/certificate.pem
ssl_options.keyfile = {folder}/key.pem
"""

# A line of the shell: an expression comes in, what it is comes out; each behind its length in four bytes.
LINE = """
Serve = fun Serve(S) ->
    case gen_tcp:recv(S, 0) of
        {{ok, Text}} ->
            Answer = try
                {{ok, Tokens, _}} = erl_scan:string(binary_to_list(Text)),
                {{ok, Expressions}} = erl_parse:parse_exprs(Tokens),
                {{value, Value, _}} = erl_eval:exprs(Expressions, []),
                io_lib:format("~0tp", [Value])
            catch Kind:Why -> io_lib:format("!~0tp:~0tp", [Kind, Why]) end,
            gen_tcp:send(S, unicode:characters_to_binary(Answer)), Serve(S);
        _ -> gen_tcp:close(S)
    end end,
spawn(fun() ->
    {{ok, L}} = gen_tcp:listen(0, [{{ifaddr, {{local, "{path}"}}}}, binary, {{packet, 4}}, {{active, false}}]),
    Accept = fun Accept() ->
        {{ok, S}} = gen_tcp:accept(L), P = spawn(fun() -> receive go -> Serve(S) end end),
        gen_tcp:controlling_process(S, P), P ! go, Accept() end,
    Accept() end).
"""


# A quorum queue's leader is asked: what the node tells of one (``rabbitmqctl list_queues``) is counted every five seconds only,
# and of one that was just declared it is nothing.
DEPTHS = """
[[binary_to_list(element(4, amqqueue:get_name(Q))) |
  try case amqqueue:get_type(Q) of
          rabbit_quorum_queue ->
              {{ok, {{_, #{{num_ready_messages := Ready, num_checked_out := Out, num_discarded := Dead,
                           num_discard_checked_out := DeadOut}}}}, _}} =
                  ra:leader_query(amqqueue:get_pid(Q), fun rabbit_fifo:overview/1),
              [Ready + Dead, Out + DeadOut];
          _ -> [V || {{_, V}} <- rabbit_amqqueue:info(Q, [messages_ready, messages_unacknowledged])]
      end
  catch _:_ -> [-1, -1] end] || Q <- rabbit_amqqueue:list(<<"{vhost}">>)]
"""


class RabbitServer(PrivateServer):
    """A single node. ``conf`` is appended to its configuration; with ``tls`` it also listens on ``tls_port``, with a
    certificate for localhost that is its own authority: the file ``certificate``."""

    name = "rabbitmq"
    unprivileged = True
    patience = 60.0

    def __init__(self, conf: str = "", tls: bool = False) -> None:
        self.program = needed("rabbitmq-server", "rabbitmq-server")
        super().__init__()
        self.node = f"{self.folder.name}@localhost"
        self.epmd_port, self.dist_port = free_port(), free_port()
        self.epmd: subprocess.Popen[bytes] | None = None
        self._numbers = itertools.count(1)
        self.tls_port, self.certificate = free_port(), self.folder / "certificate.pem"
        if tls:
            certificate, key = certified()
            self._write("certificate.pem", certificate, 0o644)
            self._write("key.pem", key)
            conf += TLS.format(port=self.tls_port, folder=self.folder)
        text = CONFIGURATION.format(port=self.port, user=USER, password=PASSWORD) + conf
        self._write("rabbitmq.conf", text)
        self._write("enabled_plugins", "[].\n")
        self._write("line.erl", LINE.format(path=self.folder / "line"))
        self._write(".erlang.cookie", secrets.token_hex(16), 0o400)

    def command(self) -> list[str]:
        """The node itself: the wrapper in /usr/sbin would change to an account of its own."""
        return ["/bin/sh", str(_bin() / "rabbitmq-server")]

    def environment(self) -> dict[str, str]:
        """Of the node, and of the tools that speak to it."""
        folder = self.folder
        return {
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "none.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(folder / "generated"),
            # Without this the start script stays as the parent of Erlang; so it becomes Erlang.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                f"+S 1:1 +SDcpu 1:1 +SDio 2 +A 2 -kernel inet_dist_use_interface {{127,0,0,1}} "
                f'-eval file:script("{folder / "line.erl"}")'
            ),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_CRASH_DUMP_SECONDS": "0",
        }

    def begin(self) -> None:
        """Start epmd, which Erlang would leave running for ever if it had to start one, and the node."""
        self.epmd = subprocess.Popen(
            [needed("epmd", "erlang-base"), "-port", str(self.epmd_port), "-address", "127.0.0.1"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            cwd=self.folder, start_new_session=True, preexec_fn=die_with_parent, **self._as_account(),
        )  # fmt: skip
        (self.folder / "line").unlink(missing_ok=True)
        super().begin()

    def answers(self) -> bool:
        """Whether a client is let in."""
        parameters = pika.URLParameters(self.url())
        parameters.socket_timeout = parameters.blocked_connection_timeout = 5
        try:
            self.evaluate("ok", 2)  # OSError while it does not listen there
            pika.BlockingConnection(parameters).close()
        except AMQPError:
            return False
        return True

    def stop(self) -> None:
        """In order; its epmd ends with it."""
        super().stop()
        self._end_epmd()

    def kill(self) -> None:
        """SIGKILL."""
        super().kill()
        self._end_epmd()

    def url(self, vhost: str = "/", port: int | None = None) -> str:
        """Where clients find it; ``port`` may be a proxy's."""
        return f"amqp://{USER}:{PASSWORD}@127.0.0.1:{port or self.port}/{vhost.replace('/', '%2F')}"

    def vhost(self) -> str:
        """The name of a fresh, empty vhost."""
        name = f"v{next(self._numbers)}"
        self.evaluate(f'rabbit_vhost:add(<<"{name}">>, <<"tests">>)')
        self.evaluate(
            f'rabbit_auth_backend_internal:set_permissions(<<"{USER}">>, <<"{name}">>, '
            '<<".*">>, <<".*">>, <<".*">>, <<"tests">>)'
        )
        return name

    def drop(self, vhost: str) -> None:
        """Delete a vhost with all that is in it; its connections are closed."""
        self.evaluate(f'rabbit_vhost:delete(<<"{vhost}">>, <<"tests">>)')

    def alarm(self, on: bool) -> None:
        """The memory alarm, as when there is no memory left: the node takes nothing more from who publishes."""
        self.evaluate(f"vm_memory_monitor:set_vm_memory_high_watermark({'0.00001' if on else '0.4'})")
        wait_until("the alarm is as it should be", lambda: (self.evaluate("rabbit_alarm:get_alarms()") != "[]") == on)

    def depths(self, vhost: str) -> dict[str, tuple[int, int]]:
        """Ready and unacknowledged messages of each queue now, dead letters on their way elsewhere among them; -1 where its
        leader does not answer yet."""
        said = self.evaluate(DEPTHS.format(vhost=vhost))
        return {name: (ready, in_hand) for name, ready, in_hand in json.loads(said)}

    def waiting(self, vhost: str) -> dict[str, tuple[int, int]]:
        """Those that have a message, ready or in hand; retries and dead letters among them."""
        return {name: depth for name, depth in self.depths(vhost).items() if any(depth)}

    def close_connections(self) -> None:
        """End every client's connection, as an operator may."""
        self.evaluate('[rabbit_networking:close_connection(P, "tests") || P <- rabbit_networking:connections()]')

    def evaluate(self, expression: str, seconds: float = 20.0) -> str:
        """Evaluate Erlang in the node; answers the value as Erlang writes it. AssertionError when it fails."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(seconds)
            line.connect(str(self.folder / "line"))
            text = expression.encode() + b"."
            line.sendall(len(text).to_bytes(4, "big") + text)
            said = b""
            while len(said) < 4 or len(said) < 4 + int.from_bytes(said[:4], "big"):
                piece = line.recv(65536)
                assert piece, "the node ended while it was asked"
                said += piece
        answer = said[4:].decode()
        assert not answer.startswith("!"), f"{expression}: {answer}"
        return answer

    def ctl(self, *arguments: str, program: str = "rabbitmqctl", seconds: float = 30.0) -> str:
        """Run ``rabbitmqctl`` or ``rabbitmq-diagnostics`` on it, bounded; answers the output. It takes seconds."""
        done = subprocess.run(
            ["/bin/sh", str(_bin() / program), *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=seconds,
            cwd=self.folder, env={"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.environment()},
            **self._as_account(),
        )  # fmt: skip
        assert done.returncode == 0, f"{program} failed:\n{done.stdout}"
        return done.stdout

    def _end_epmd(self) -> None:
        epmd, self.epmd = self.epmd, None
        if epmd is not None:
            epmd.kill()
            epmd.wait(10)

    def _as_account(self) -> dict[str, object]:
        return {"user": self.who.uid, "group": self.who.gid, "extra_groups": []} if self.who.drop else {}

    def _write(self, name: str, text: str, mode: int = 0o600) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(mode)
        self.own(path)


def certified() -> tuple[str, str]:
    """A certificate for localhost, signed by itself, and its key; as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return certificate.public_bytes(pem).decode(), secret.decode()


def _bin() -> Path:
    return Path("/usr/lib/rabbitmq/bin")
