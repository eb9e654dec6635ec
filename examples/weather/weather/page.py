"""Writes the landing page: what this is, how much is stored, one station's years.

Pure: statistics in, HTML out. The page needs no script and nothing from elsewhere.
"""

from collections.abc import Sequence
from datetime import date
from html import escape
from typing import NamedTuple

from weather.chart import draw
from weather.models import Station, StationYear

__all__ = ["Stored", "choose", "landing", "unavailable"]

FRAME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Almanac</title>
<link rel="stylesheet" href="/page.css">
<link rel="icon" href="data:,">
{head}</head>
<body>
<h1>Almanac</h1>
<p class="lead">The daily weather of many stations: maximum and minimum temperature and
precipitation, loaded from one file a station and served by an API.</p>
{body}
<footer>For programs: <a href="/docs">the API</a>,
<a href="/api/v1/stations">stations</a>,
<a href="/api/v1/weather?size=10">weather</a>,
<a href="/api/v1/weather/stats?size=10">statistics</a>.</footer>
</body>
</html>
"""

# For a page that will soon say more: a browser without scripts looks again too.
AGAIN = '<meta http-equiv="refresh" content="5">\n'

EMPTY = """<section class="card"><h2>Nothing is loaded yet</h2>
<p>If a job is at it, the stations come in a moment: this page looks again every five
seconds.</p>
<p>By hand: generate stations, load their files, compute the statistics:</p>
<pre><code>python -m weather.generate --stations 20
python -m weather.ingest
python -m weather.statistics</code></pre>
<p>Or put files of your own, named like <code>USC00110072.txt</code>, into the bucket under
<code>incoming/</code> (without a bucket: into the folder <code>data/incoming</code>), and
<code>POST /api/v1/weather/ingestion</code>.</p></section>"""

UNCOUNTED = """<p>This station has no statistics yet: run <code>python -m weather.statistics</code>
or <code>POST /api/v1/weather/statistics/calculate</code>.</p>"""

LEGEND = """<ul class="legend"><li><i class="max-key"></i>mean maximum, °C</li>
<li><i class="min-key"></i>mean minimum, °C</li>
<li><i class="rain-key"></i>precipitation, cm a year</li></ul>"""


class Stored(NamedTuple):
    """How much is stored, and from when to when."""

    stations: int
    rows: int
    flagged: int
    first_day: date | str | None
    last_day: date | str | None


def choose(stations: Sequence[Station], wanted: str | None) -> Station | None:
    """Choose the station that is asked for, else the first; none when there is none."""
    named = (station for station in stations if station.station_id == wanted)
    return next(named, stations[0] if stations else None)


def landing(
    stored: Stored,
    stations: Sequence[Station],
    chosen: Station | None,
    years: Sequence[StationYear],
) -> str:
    """Write the page for what is stored."""
    if chosen is None:
        return FRAME.format(head=AGAIN, body=EMPTY)
    body = _figures(stored) + _card(stations, chosen, years)
    return FRAME.format(head="" if years else AGAIN, body=body)


def unavailable(reason: str) -> str:
    """Write the page for a database that does not answer."""
    return FRAME.format(
        head=AGAIN,
        body='<section class="card"><h2>The database does not answer</h2>'
        f"<p>{escape(reason)}.</p><p>This page asks again every five seconds.</p></section>",
    )


def _figures(stored: Stored) -> str:
    figures = {
        "stations": f"{stored.stations:,}",
        "observations": f"{stored.rows:,}",
        "years": f"{str(stored.first_day)[:4]}&ndash;{str(stored.last_day)[:4]}",
        "flagged days": f"{stored.flagged:,}",
    }
    items = "".join(
        f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in figures.items()
    )
    return f'<dl class="figures">{items}</dl>'


def _card(stations: Sequence[Station], chosen: Station, years: Sequence[StationYear]) -> str:
    chart = draw(chosen.station_id, years) + LEGEND if years else UNCOUNTED
    title = escape(chosen.station_id + (f", {chosen.state}" if chosen.state else ""))
    return (
        f'<section class="card"><header><h2>{title}: {chosen.rows:,} days</h2>'
        f"{_picker(stations, chosen)}</header>{chart}</section>"
    )


def _picker(stations: Sequence[Station], chosen: Station) -> str:
    options = "".join(
        f"<option{' selected' if station == chosen else ''}>{escape(station.station_id)}</option>"
        for station in stations
    )
    return (
        '<form method="get" action="/"><label>Station '
        f'<select name="station">{options}</select></label><button>Show</button></form>'
    )
