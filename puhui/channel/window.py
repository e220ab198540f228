"""The window of the channel (窗口): the headers that pages answer with, and the words by code."""

from puhui.channel.web import SECURITY_HEADERS, TLS_HEADERS
from puhui.channel.words import words_of_codes

__all__ = ["SECURITY_HEADERS", "TLS_HEADERS", "words_of_codes"]
