"""The words of English that carry no subject, for the modules that look past them."""

from __future__ import annotations

from pipeline.language.tables import word_list

FUNCTION_WORDS = word_list("function words")
"""Articles, pronouns, prepositions, conjunctions, auxiliaries: in capitals some are names (US, WHO, IT)."""

HEADLINE_VERBS = word_list("headline verbs")
"""Verbs that stand capitalised between names where every word of a headline is."""

COMMON_WORDS = FUNCTION_WORDS | word_list("common words")
"""With the verbs, adverbs, measures and dates that every story has: no key phrase starts or ends with one."""
