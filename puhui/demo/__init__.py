"""The demo county (示范县): shops, people and their first day, all synthetic, from a seed."""

from puhui.demo.desk.customers import open_customers
from puhui.demo.desk.first_day import FirstDay, play_first_day
from puhui.demo.desk.reading import applications
from puhui.demo.desk.settle import demo_logins, seed_county
from puhui.demo.draw.cohort import training_table
from puhui.demo.draw.county import draw_county
from puhui.demo.figures import read_figures
from puhui.demo.nouns import SeededCounty

__all__ = [
    "FirstDay",
    "SeededCounty",
    "applications",
    "demo_logins",
    "draw_county",
    "open_customers",
    "play_first_day",
    "read_figures",
    "seed_county",
    "training_table",
]
