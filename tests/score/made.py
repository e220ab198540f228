"""Small made-up tables for the tests of scoring: seeded, with every kind of signal."""

from __future__ import annotations

import numpy as np

from puhui.score import Table
from puhui.score.formats.mapping_toml import read_mapping_text
from puhui.score.nouns import Mapping

MAPPING = """
title = { zh = "测试", en = "made up" }
currency = "CNY"
id_column = "id"

[source]
title = "made from a seed"

[date]
column = "day"
format = "iso"

[target]
column = "outcome"
bad = ["lost"]
good = ["paid"]

[split]
rule = "equals"
column = "part"
value = "train"

[amount]
column = "amount"

[term]
stated_by = "product"

[guard]
age = { column = "age" }
yearly_income = { column = "income", times = "12" }

[loss]
charged_off = { column = "charged_off" }
exposure = { column = "paid_out" }

[trees]
rounds = 40
num_leaves = 7

[[signal]]
name = "flow"
kind = "number"
column = "flow"
direction = "down"
least = 0
title = { zh = "日均流水", en = "daily flow" }
advice = { zh = "多用收款码收款。", en = "Take more payments by code." }

[[signal]]
name = "late"
kind = "number"
column = "late"
direction = "up"
special = [98]
title = { zh = "逾期次数", en = "times late" }

[[signal]]
name = "use"
kind = "number"
operation = "ratio"
columns = ["amount", "income"]
direction = "free"
title = { zh = "金额与收入之比", en = "amount against income" }

[[signal]]
name = "trade"
kind = "category"
column = "trade"
title = { zh = "行业", en = "trade" }

[[signal]]
name = "sector"
kind = "category"
operation = "prefix"
column = "trade"
operand = 1
title = { zh = "大类", en = "sector" }

[[signal]]
name = "is_local"
kind = "number"
operation = "same"
columns = ["town", "bank_town"]
title = { zh = "是否同城", en = "same town" }

[[signal]]
name = "years_open"
kind = "number"
operation = "years_between"
columns = ["opened", "day"]
date_format = "iso"
title = { zh = "经营年限", en = "years open" }

[[signal]]
name = "is_partner"
kind = "category"
absent = true
title = { zh = "是否合作商户", en = "partner shop" }

[[forbidden]]
column = "charged_off"
reason = "it is the amount lost"
"""

TRADES = ("a1", "a2", "b1", "b2", "c1", "c2")


def made_mapping(text: str = MAPPING) -> Mapping:
    """The mapping of the made-up table."""
    return read_mapping_text(text, "made")


def made_table(rows: int = 1500, seed: int = 3) -> Table:
    """Texts with blanks, separators, missing and special values; outcomes that depend on them."""
    dice = np.random.default_rng(seed)
    flow = dice.gamma(2.0, 800.0, rows)
    late = dice.poisson(0.8, rows)
    income = dice.gamma(4.0, 2500.0, rows)
    amount = dice.uniform(5_000, 80_000, rows)
    trade = dice.integers(0, len(TRADES), rows)
    local = dice.random(rows) < 0.5
    lean = 0.9 * late - flow / 1000 + 0.4 * (trade % 3) - 0.7 * local
    bad = dice.random(rows) < 1 / (1 + np.exp(-(lean - 0.3)))
    is_blank, is_special = dice.random(rows) < 0.06, dice.random(rows) < 0.05
    year = dice.integers(1995, 2024, rows)
    columns = {
        "id": [f"m{place}" for place in range(rows)],
        "flow": ["" if is_blank[i] else f" {flow[i]:,.2f}" for i in range(rows)],
        "late": ["98" if is_special[i] else str(late[i]) for i in range(rows)],
        "income": [f"{value:.2f}" for value in income],
        "amount": [f"¥{value:,.2f}" for value in amount],
        "trade": [TRADES[i] for i in trade],
        "town": ["east"] * rows,
        "bank_town": ["east" if near else "west" for near in local],
        "opened": [f"{y}-03-01" for y in year],
        "day": ["2025-06-30"] * rows,
        "age": [str(value) for value in dice.integers(20, 70, rows)],
        "charged_off": [f"{amount[i]:.2f}" if bad[i] else "0" for i in range(rows)],
        "paid_out": [f"{value:.2f}" for value in amount],
        "outcome": ["lost" if value else "paid" for value in bad],
        "part": ["train" if value < 0.7 else "test" for value in dice.random(rows)],
    }
    return Table({name: tuple(values) for name, values in columns.items()}, rows)


def bits(*numbers: float) -> bytes:
    """Float64 to the last bit."""
    return np.array(numbers, dtype=np.float64).tobytes()
