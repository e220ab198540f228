"""People and firms of the county: made-up names, numbers that belong to nobody.

Every given name has 样 ("sample") in the middle, so that a synthetic person is known by the name;
identity numbers carry a region code and phones a prefix that were never assigned (county.toml).
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from puhui.demo.nouns import Figures, Firm, Person
from puhui.demo.rules.identity import resident_id, uscc

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董潘袁蔡蒋余"
GIVEN = "禾穗苗丰稼圃畦壤溪泉岭峰岚霞晨曦芳兰荷莲松柏桐梅竹菊安宁和顺康福祥瑞喜勤俭诚信义"
MARK = "样"
PHONE_DIGITS = 8


class People:
    """Draws persons one after another; identity numbers and phones never repeat in a county."""

    def __init__(self, dice: np.random.Generator, figures: Figures) -> None:
        self._dice = dice
        self._figures = figures
        self._orders: dict[date, int] = {}
        self._drawn = 0

    def person(self, day: date, years: int) -> Person:
        """Somebody of ``years`` full years on ``day``."""
        dice, figures = self._dice, self._figures
        born = day.replace(year=day.year - years, day=min(day.day, 28))
        born -= timedelta(days=int(dice.integers(0, 360)))
        order = self._orders.get(born, int(dice.integers(100, 400)))
        self._orders[born] = order + 1
        self._drawn += 1
        surname = SURNAMES[int(dice.integers(0, len(SURNAMES)))]
        given = GIVEN[int(dice.integers(0, len(GIVEN)))]
        town = figures.towns[self._drawn % len(figures.towns)]
        village = figures.villages[int(dice.integers(0, len(figures.villages)))]
        return Person(
            name=f"{surname}{MARK}{given}",
            id_number=resident_id(figures.region, born, order),
            phone=f"{figures.phone_prefix}{self._drawn:0{PHONE_DIGITS}d}",
            address=f"{figures.county_zh}{town}{village}{int(dice.integers(1, 300))}号",
            birth_date=born,
        )

    def firm(self, number: int, what: str, representative: Person) -> Firm:
        """Firm ``number`` of the county, in the line of business ``what``."""
        place = self._figures.county_zh
        return Firm(
            name=f"{place}{representative.name[-1]}{number:03d}{what}有限公司",
            uscc=uscc(self._figures.region, number),
            representative=representative,
        )
