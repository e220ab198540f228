"""The window of the channel (窗口): headers of pages, words by code, names of payees in part."""

from puhui.channel.payee import shown_name
from puhui.channel.web import SECURITY_HEADERS, TLS_HEADERS
from puhui.channel.words import words_of_codes

__all__ = ["SECURITY_HEADERS", "TLS_HEADERS", "shown_name", "words_of_codes"]
