"""Almanac: the daily weather of many stations, loaded from files and served by an API."""
