"""How pages speak: texts in Chinese and English, money, shares, days and times in each."""

from __future__ import annotations

import tomllib
from datetime import date
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files

from markupsafe import Markup, escape

from puhui.kernel.clock import business_date, time_of
from puhui.kernel.money import Money

LANGUAGES = ("zh", "en")
CURRENCY_WORDS = {
    "CNY": ("元", "yuan"),
    "USD": ("美元", "US dollars"),
    "EUR": ("欧元", "euros"),
    "HKD": ("港元", "Hong Kong dollars"),
    "THB": ("泰铢", "baht"),
    "JPY": ("日元", "yen"),
}
MONTHS = (
    "January February March April May June July August September October November December"
).split()
ZONE_HOURS = 8
GLUE, BLANK = "\u2060", "\u00a0"
"""Signs that no line ends at: one without width, and a blank. They keep an amount by its unit and
a day in one piece."""


@lru_cache(maxsize=1)
def texts() -> dict[str, dict[str, str]]:
    """Every text of the pages by "file.key", in both languages."""
    found: dict[str, dict[str, str]] = {}
    folder = files("puhui.web") / "texts"
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.name.endswith(".toml"):
            area = entry.name.removesuffix(".toml")
            for key, both in tomllib.loads(entry.read_text(encoding="utf-8")).items():
                found[f"{area}.{key}"] = both
    return found


def unglued(text: str) -> str:
    """A text without the signs that keep lines together, for files."""
    return text.replace(GLUE, "").replace(BLANK, " ")


def first_up(text: str) -> str:
    """A text that stands by itself: its first letter is a capital, where it has such letters."""
    return text[:1].upper() + text[1:]


def stamp(time_us: int) -> str:
    """A moment in China to the minute, as every spreadsheet reads it: 2026-11-22 09:30."""
    return f"{time_of(time_us + ZONE_HOURS * 3_600_000_000):%Y-%m-%d %H:%M}"


@lru_cache(maxsize=2)
def say_in(language: str) -> Say:
    """The words of a language, one object for all pages."""
    return Say(language)


class Say:
    """The words of one language, "zh" or "en"."""

    __slots__ = ("_texts", "language", "place")

    def __init__(self, language: str) -> None:
        assert language in LANGUAGES, language
        self.language = language
        self.place = LANGUAGES.index(language)
        self._texts = {key: Markup(escape(both[language])) for key, both in texts().items()}

    def __call__(self, key: str, **words: object) -> str:
        """The text under ``key`` as HTML, with its words filled in and escaped."""
        text = self._texts[key]
        return text.format(**words) if words else text

    def __getitem__(self, key: str) -> Markup:
        """The text under ``key`` as HTML, no word filled in: the quick way of templates."""
        return self._texts[key]

    def maybe(self, key: str, otherwise: str) -> str:
        """The text under ``key``, or ``otherwise`` where there is none."""
        return self(key) if key in texts() else otherwise

    def of_field(self, label: str, key: str) -> str:
        """A text behind the name of the field that it is about, where several may need it."""
        return f"{self(label)}{self.pick('：', ': ')}{self(key)}"

    def pick(self, zh: str, en: str) -> str:
        """The one of two texts that is in this language."""
        return zh if self.language == "zh" else en

    def of(self, noun: object, name: str) -> str:
        """The attribute ``name_zh`` or ``name_en`` of a noun, or ``zh`` and ``en`` themselves."""
        return str(getattr(noun, f"{name}_{self.language}" if name else self.language))

    def money(self, minor: int, currency: str = "CNY") -> str:
        """An amount with its word: 43,000.00 元."""
        word = CURRENCY_WORDS.get(currency, (currency, currency))[self.place]
        return f"{Money(minor, currency).figure()}{BLANK}{word}"

    def currency(self, code: str) -> str:
        """A currency by name: 人民币, yuan; the code of one that has no name here."""
        return self.maybe(f"exchange.name_{code}", code)

    def figure(self, minor: int, currency: str = "CNY") -> str:
        """An amount without its word, for columns that name it once."""
        return Money(minor, currency).figure()

    def share(self, value: Decimal | float | str | None, digits: int = 2) -> str:
        """A share 0..1 in percent, without needless noughts."""
        if value is None:
            return "—"
        text = f"{Decimal(str(value)) * 100:.{digits}f}"
        return f"{text.rstrip('0').rstrip('.') if '.' in text else text}%"

    def day(self, day: date | str | None) -> str:
        """A day: 2026年11月22日, 22 November 2026."""
        if day is None:
            return "—"
        found = date.fromisoformat(day) if isinstance(day, str) else day
        if self.language == "zh":
            return GLUE.join(f"{found.year} 年 {found.month} 月 {found.day} 日".split(" "))
        return f"{found.day}{BLANK}{MONTHS[found.month - 1]}{BLANK}{found.year}"

    def month(self, day: date) -> str:
        """The month of a day: 2026年11月, November 2026."""
        if self.language == "zh":
            return GLUE.join(f"{day.year} 年 {day.month} 月".split(" "))
        return f"{MONTHS[day.month - 1]}{BLANK}{day.year}"

    def day_of(self, time_us: int | None) -> str:
        """The business day of a moment."""
        return "—" if time_us is None else self.day(business_date(time_us))

    def moment(self, time_us: int | None) -> str:
        """A moment in China, to the minute."""
        if time_us is None:
            return "—"
        found = time_of(time_us + ZONE_HOURS * 3_600_000_000)
        return f"{self.day(found.date())} {found:%H:%M}"

    def wait(self, seconds: float) -> str:
        """How long something waits, in the largest unit that fits."""
        minutes = max(0, int(seconds // 60))
        if minutes < 60:
            return self.pick(f"{minutes} 分钟", f"{minutes} min")
        if minutes < 48 * 60:
            return self.pick(f"{minutes // 60} 小时", f"{minutes // 60} h")
        return self.pick(f"{minutes // 1440} 天", f"{minutes // 1440} days")

    def count(self, value: int) -> str:
        """A whole number with thousands separators."""
        return f"{value:,}"
