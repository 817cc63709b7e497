"""Contact points in the form in which others hash them, and their hashes: a raw address, number or token goes no further than this.

A hash matches only what was normalised alike, and the platforms differ:

- e-mail: without white space around it, in small letters (Meta; what most e-mail systems do). Google also drops, of addresses at
  gmail.com and googlemail.com, every dot before the @ and what follows a plus.
- phone: E.164 (ITU-T): a plus, the country code, the number, 7 to 15 digits. Google hashes it with the plus, Meta without.
- push: the token as it is, without white space around it; only the shop's push service knows it.

Google: Data Manager API, "Format user data" (developers.google.com/data-manager/api/devguides/concepts/formatting), and Customer Match,
"Formatting guidelines" (support.google.com/google-ads/answer/7476159). Meta: Marketing API, Custom Audiences, "Hashing and Normalization"
(developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences).

Hashes are SHA-256, in small hexadecimal digits, without a key: that is what makes them match. Who has a list of addresses or counts
through all phone numbers finds the person behind a hash, so a hash is personal data as much as the address is.
"""

from collections.abc import Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

MOST_EMAIL_CHARACTERS = 254
"""Longest address that mail can be sent to (RFC 5321, erratum 1690)."""

_BLANKS = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace()) + "\ufeff"
"""What is taken away around a value: Unicode's white space. A set, as a pattern takes the square of a long line's length."""
_EMAIL = r"""(?U)^[^\s@,;:<>()\[\]"\\]+@[^\s@,;:<>()\[\]"\\.]+(\.[^\s@,;:<>()\[\]"\\.]+)+$"""
"""One @, something before it, a domain of two parts at least: what is no address after all never matches."""
_GMAIL = r"@(gmail|googlemail)\.com$"
_TRUNK_ZERO = r"\(0\)"
"""The zero of calls within a country, as in +44 (0)20: no part of the international number."""
_BETWEEN_DIGITS = r"(?U)[\s().\-/\u2010-\u2015\u00AD]"
_E164 = r"^\+[1-9][0-9]{6,14}$"


def normal_forms(kind: Column, value: Column) -> Column:
    """The value in its normal form; NULL where it can be no contact point of that kind, and of an unknown kind."""
    trimmed = F.btrim(value, F.lit(_BLANKS))
    return (
        F.when(kind == "email", _email(trimmed)).when(kind == "phone", _phone(trimmed)).when(kind == "push", F.nullif(trimmed, F.lit("")))
    )


def hashes(kind: Column, normal: Column) -> Mapping[str, Column]:
    """``value_sha256`` of a normal form, and what Google and Meta compare with, NULL of a push token: they know none."""
    is_push = kind == "push"
    forms = {
        "value_sha256": normal,
        "google_sha256": F.when(~is_push, F.when(kind == "email", _google_email(normal)).otherwise(normal)),
        "meta_sha256": F.when(~is_push, F.when(kind == "phone", F.regexp_replace(normal, r"^\+", "")).otherwise(normal)),
    }
    return {name: F.sha2(form, 256) for name, form in forms.items()}


def _email(trimmed: Column) -> Column:
    address = F.lower(trimmed)
    begins = F.substring(address, 1, MOST_EMAIL_CHARACTERS + 1)  # a line of megabytes is not searched
    return F.when(begins.rlike(_EMAIL) & (F.length(address) <= MOST_EMAIL_CHARACTERS), address)


def _google_email(address: Column) -> Column:
    local, domain = F.split_part(address, F.lit("@"), F.lit(1)), F.split_part(address, F.lit("@"), F.lit(2))
    kept = F.replace(F.split_part(local, F.lit("+"), F.lit(1)), F.lit("."), F.lit(""))
    return F.when(address.rlike(_GMAIL) & (kept != ""), F.concat(kept, F.lit("@"), domain)).otherwise(address)


def _phone(trimmed: Column) -> Column:
    """E.164 of a number that is written internationally, with + or 00; a national one would need a country that nobody has told."""
    digits = F.regexp_replace(F.regexp_replace(trimmed, _TRUNK_ZERO, ""), _BETWEEN_DIGITS, "")
    international = F.regexp_replace(digits, r"^00", "+")
    return F.when(international.rlike(_E164), international)
