"""The SQL that keeps what is made from `logs` in step with it, whoever writes to `logs`.

Triggers give every call its row in `call_facts` (INSERT OR REPLACE fires no trigger of deletion) and mark it
`pending` when the call changes; the words of a dialogue
need Python, so `CallLogRepository` makes them, at once when it writes itself and later (`CallIndex`) when another
program did. `call_words` and `call_numbers` are full-text tables over `call_texts`, `call_ids` is one over
`call_facts` (SQLite FTS5, external content, section 4.4.3 of its documentation; the triggers are those given there).
None needs positions: `detail=none`. Ids have a table of their own: without positions FTS5 cannot tell columns apart
either, and nearly every id holds what a caller's number is searched by.
"""

from __future__ import annotations

_KEY = """
    COALESCE(
        (SELECT MAX(key) + 1 FROM call_facts WHERE key >= {base} AND key < {base} + 1048576),
        {base}
    )
"""
_BASE = "(MAX(COALESCE(CAST(strftime('%s', new.startTime) AS INTEGER), 0), 0) << 20)"
_DURATION = """
    COALESCE(
        MAX(CAST(strftime('%s', new.endTime) AS INTEGER) - CAST(strftime('%s', new.startTime) AS INTEGER), 0), -1
    )
"""

FULL_TEXT = (
    """
    CREATE VIRTUAL TABLE call_words USING fts5(
        words, content='call_texts', content_rowid='key', detail=none, columnsize=0,
        tokenize='unicode61 remove_diacritics 0'
    )
    """,
    """
    CREATE VIRTUAL TABLE call_numbers USING fts5(
        caller, content='call_texts', content_rowid='key', detail=none, columnsize=0, tokenize='trigram'
    )
    """,
)

_STATUS, _CALLER = (f"COALESCE(CAST(new.{column} AS TEXT), '')" for column in ("status", "callerId"))
_NEW_FACTS = f"""
        INSERT INTO call_facts (key, call_id, status, caller, duration_s)
        VALUES ({_KEY.format(base=_BASE)}, new.id, {_STATUS}, {_CALLER}, {_DURATION});
"""

TRIGGERS = (
    f"""
    CREATE TRIGGER call_facts_insert AFTER INSERT ON logs WHEN new.id IS NOT NULL BEGIN
        DELETE FROM call_texts WHERE key = (SELECT key FROM call_facts WHERE call_id = new.id);
        DELETE FROM call_stages WHERE key = (SELECT key FROM call_facts WHERE call_id = new.id);
        DELETE FROM call_facts WHERE call_id = new.id;
        {_NEW_FACTS}
    END
    """,
    # A table whose id was an INTEGER PRIMARY KEY was written to without one, and the row then updated by the number.
    """
    CREATE TRIGGER logs_name AFTER INSERT ON logs WHEN new.id IS NULL BEGIN
        UPDATE logs SET id = CASE
            WHEN EXISTS (SELECT 1 FROM logs WHERE id = CAST(new.rowid AS TEXT)) THEN 'call-' || new.rowid
            ELSE CAST(new.rowid AS TEXT) END
        WHERE rowid = new.rowid;
    END
    """,
    f"""
    CREATE TRIGGER call_facts_named AFTER UPDATE OF id ON logs WHEN old.id IS NULL AND new.id IS NOT NULL BEGIN
        {_NEW_FACTS}
    END
    """,
    f"""
    CREATE TRIGGER call_facts_update AFTER UPDATE ON logs WHEN old.id IS NOT NULL BEGIN
        UPDATE call_facts
        SET call_id = new.id, pending = 1, status = {_STATUS}, caller = {_CALLER}, duration_s = {_DURATION}
        WHERE call_id = old.id;
    END
    """,
    """
    CREATE TRIGGER call_facts_delete AFTER DELETE ON logs BEGIN
        DELETE FROM call_texts WHERE key = (SELECT key FROM call_facts WHERE call_id = old.id);
        DELETE FROM call_stages WHERE key = (SELECT key FROM call_facts WHERE call_id = old.id);
        DELETE FROM call_facts WHERE call_id = old.id;
    END
    """,
    """
    CREATE TRIGGER call_texts_insert AFTER INSERT ON call_texts BEGIN
        INSERT INTO call_words (rowid, words) VALUES (new.key, new.words);
        INSERT INTO call_numbers (rowid, caller) VALUES (new.key, new.caller);
    END
    """,
    """
    CREATE TRIGGER call_texts_words AFTER UPDATE OF words ON call_texts BEGIN
        INSERT INTO call_words (call_words, rowid, words) VALUES ('delete', old.key, old.words);
        INSERT INTO call_words (rowid, words) VALUES (new.key, new.words);
    END
    """,
    """
    CREATE TRIGGER call_texts_caller AFTER UPDATE OF caller ON call_texts BEGIN
        INSERT INTO call_numbers (call_numbers, rowid, caller) VALUES ('delete', old.key, old.caller);
        INSERT INTO call_numbers (rowid, caller) VALUES (new.key, new.caller);
    END
    """,
    """
    CREATE TRIGGER call_texts_delete AFTER DELETE ON call_texts BEGIN
        INSERT INTO call_words (call_words, rowid, words) VALUES ('delete', old.key, old.words);
        INSERT INTO call_numbers (call_numbers, rowid, caller) VALUES ('delete', old.key, old.caller);
    END
    """,
)

ID_FULL_TEXT = """
    CREATE VIRTUAL TABLE call_ids USING fts5(
        call_id, content='call_facts', content_rowid='key', detail=none, columnsize=0, tokenize='trigram'
    )
"""

ID_TRIGGERS = (
    """
    CREATE TRIGGER call_ids_insert AFTER INSERT ON call_facts BEGIN
        INSERT INTO call_ids (rowid, call_id) VALUES (new.key, new.call_id);
    END
    """,
    """
    CREATE TRIGGER call_ids_update AFTER UPDATE OF call_id ON call_facts WHEN old.call_id <> new.call_id BEGIN
        INSERT INTO call_ids (call_ids, rowid, call_id) VALUES ('delete', old.key, old.call_id);
        INSERT INTO call_ids (rowid, call_id) VALUES (new.key, new.call_id);
    END
    """,
    """
    CREATE TRIGGER call_ids_delete AFTER DELETE ON call_facts BEGIN
        INSERT INTO call_ids (call_ids, rowid, call_id) VALUES ('delete', old.key, old.call_id);
    END
    """,
)

TRIGGER_NAMES = tuple(trigger.split()[2] for trigger in (*TRIGGERS, *ID_TRIGGERS))

ADOPT_OLD_CALLS = """
    INSERT INTO call_facts (key, call_id, status, caller, duration_s)
    SELECT (second << 20) + ROW_NUMBER() OVER (PARTITION BY second ORDER BY id) - 1, id, status, callerId, duration
    FROM (
        SELECT id, status, callerId,
            MAX(COALESCE(CAST(strftime('%s', startTime) AS INTEGER), 0), 0) AS second,
            COALESCE(
                MAX(CAST(strftime('%s', endTime) AS INTEGER) - CAST(strftime('%s', startTime) AS INTEGER), 0), -1
            ) AS duration
        FROM logs
    )
"""
"""For calls that were there before the triggers; their words are made in the background."""

FORGET_ALL = (
    *(f"DROP TRIGGER {name}" for name in TRIGGER_NAMES),
    "INSERT INTO call_words (call_words) VALUES ('delete-all')",
    "INSERT INTO call_numbers (call_numbers) VALUES ('delete-all')",
    "INSERT INTO call_ids (call_ids) VALUES ('delete-all')",
    "DELETE FROM search_words",
    "DELETE FROM call_texts",
    "DELETE FROM call_stages",
    "DELETE FROM call_facts",
    "DELETE FROM logs",
    *TRIGGERS,
    *ID_TRIGGERS,
)
"""Empties the log within one transaction; without triggers SQLite frees whole tables instead of row after row."""
