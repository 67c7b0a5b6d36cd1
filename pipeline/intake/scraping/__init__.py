"""Scraping: photos that a `urls.csv` lists are fetched from hosts that were named, as far as these allow it."""
