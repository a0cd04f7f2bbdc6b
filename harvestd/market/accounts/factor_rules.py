"""Second factors: one-time codes by time (TOTP, RFC 6238), and recovery codes. Pure."""

from __future__ import annotations

import hmac
import re
from datetime import datetime
from urllib.parse import quote

import pyotp

#: Seconds for which a code is shown, and how many before and after are taken: clocks differ, and people type slowly.
STEP, AROUND = 30, 1
MAX_NAME, MAX_FACTORS, RECOVERY_CODES = 100, 10, 10
_CODE = re.compile(r"[0-9]{6}")
#: Characters of a recovery code: those that are mistaken for others are left out.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_BETWEEN = str.maketrans("", "", " -")


def plain(code: str) -> str:
    """A code without what people put between its characters."""
    return code.translate(_BETWEEN).lower()


def step_of(secret: str, code: str, now: datetime, last: int) -> int | None:
    """The time step whose code this is, later than ``last``; None if it is no code of now. ``secret`` is base32."""
    typed = plain(code)
    if not _CODE.fullmatch(typed):
        return None
    totp, at = pyotp.TOTP(secret, interval=STEP), int(now.timestamp()) // STEP
    found = [n for n in range(at - AROUND, at + AROUND + 1) if hmac.compare_digest(totp.generate_otp(n), typed)]
    return next((n for n in found if n > last), None)


def uri(secret: str, account: str, market: str) -> str:
    """What an authenticator reads from a QR code: ``otpauth://totp/…``."""
    label = f"{quote(market, safe='')}:{quote(account, safe='')}"
    return (
        f"otpauth://totp/{label}?secret={secret}&issuer={quote(market, safe='')}&period={STEP}&digits=6&algorithm=SHA1"
    )


def grouped(code: str) -> str:
    """A recovery code as it is shown: ``abcde-fghij``."""
    return f"{code[:5]}-{code[5:]}"
