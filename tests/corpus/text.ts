import type { Case } from "./case.ts";
import { hexOf, insert, text, textOf } from "./quote.ts";

function table(values: readonly string[]): string[] {
  return [
    "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT, n)",
    insert(
      "t",
      values.map((value, i) => [String(i + 1), value, value]),
    ),
  ];
}

const CONTROLS = Array.from({ length: 31 }, (_, i) => String.fromCharCode(i + 1)).concat("\x7f", "\x80", "\x9f");

/** Every code point from U+0001 to U+FFFF but the surrogates, which a single string holds in 194,490 bytes of UTF-8. */
const EVERY_CODE_POINT = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 65535)
SELECT group_concat(char(i), '') FROM n WHERE i NOT BETWEEN 55296 AND 57343`;

export const TEXT: readonly Case[] = [
  {
    name: "nul-in-text",
    breaks: "quote() and every .dump cut text at NUL; wrangler writes the NUL raw, which no parser takes",
    sql: [
      ...table([
        textOf("00"),
        textOf("0061"),
        textOf("6100"),
        textOf("610062"),
        textOf("0000"),
        textOf("61 00 27 00 0a"),
      ]),
      `INSERT INTO t VALUES(100, char(0) || 'x', 'x' || char(0)), (101, 'a' || char(0) || 'b', 'a' || char(0) || 'c')`,
    ],
  },
  {
    name: "nul-in-keys",
    breaks: "keys cut at NUL collide: with -bail the whole restore is lost",
    sql: [
      "CREATE TABLE t(k TEXT PRIMARY KEY, v)",
      `INSERT INTO t VALUES('a', 1), (${textOf("6100")}, 2), (${textOf("610062")}, 3), (${textOf("610063")}, 4), (${textOf("00")}, 5), ('', 6)`,
      "CREATE TABLE w(k TEXT COLLATE RTRIM PRIMARY KEY, v) WITHOUT ROWID",
      "INSERT INTO w SELECT k, v FROM t",
      "CREATE UNIQUE INDEX t_kv ON t(k, v)",
    ],
  },
  {
    name: "invalid-utf8",
    breaks: "bytes that are no UTF-8 reach JavaScript as U+FFFD: every tool that reads through a D1 binding",
    sql: table(
      [
        ...[
          "ff",
          "fe",
          "80",
          "bf",
          "c3",
          "c328",
          "e2 82",
          "e2 28 a1",
          "f0 9f 98",
          "f0 28 8c bc",
          "61 ff 62",
          "ff 00 ff",
        ],
        ...[
          "c0 80",
          "c1 bf",
          "e0 80 80",
          "e0 80 af",
          "f0 80 80 80",
          "f0 80 80 af",
          "f8 88 80 80 80",
          "fc 84 80 80 80 80",
        ],
        ...["f4 90 80 80", "f5 80 80 80", "ef bf be", "ef bf bf", "f4 8f bf bf", "0a ff 0d", "27 ff 27", "ff 0a 5c 6e"],
      ].map(textOf),
    ),
  },
  {
    name: "lone-surrogates",
    breaks: "a lone surrogate of a JS string is stored as ED A0 80 and comes back as three U+FFFD",
    sql: table(["ed a0 80", "ed bf bf", "ed a0 bd", "ed b8 80", "ed a0 bd ed b8 80", "61 ed a0 80 62"].map(textOf)),
  },
  {
    name: "replacement-character",
    breaks: "U+FFFD may be honest text: taking it as the mark of a damaged value, or of none, are both wrong",
    sql: table([
      text("\ufffd"),
      text("\ufffd\ufffd\ufffd"),
      textOf("ef bf bd ff"),
      textOf("ff ef bf bd"),
      text("a\ufffdb"),
      textOf("61 ff 62"),
      textOf("61 ef bf bd 00"),
    ]),
  },
  {
    name: "newlines",
    breaks: "the sqlite3 shell drops the CR of CR LF inside a literal, line-based tools split the statement",
    sql: table(
      ["\n", "\r", "\r\n", "\n\r", "\r\r\n", "a\nb", "a\rb", "a\r\nb", "a\r", "\rb", "a\n", "\nb", "\n\n\n", "\r\n\r\n"]
        .concat("one\r\ntwo\nthree\rfour", "it's\r\nquoted''")
        .map(text),
    ),
  },
  {
    name: "literal-backslash-n",
    breaks:
      "wrangler marks newlines with \\n and so turns a literal \\n beside a real one into a newline (JSON, C:\\new)",
    sql: table(
      [
        ...[
          "\\n",
          "\\n\n",
          "C:\\new\\readme\r\nC:\\temp",
          '{"a":"x\\ny",\n "b":"\\r\\n"}',
          "\\\n",
          "\n\\",
          "\\\\n\n",
          "\\r\r",
        ],
        ...["\\r\n", "\\n\r\n\\r", "'\\n'\n", "\\012\n\\015\r"],
      ].map(text),
    ),
  },
  {
    name: "placeholders",
    breaks: "a fixed placeholder for newlines occurs in some text: every guess, beside a real newline",
    sql: table(
      [
        Array.from({ length: 100 }, (_, i) => `(\\n${i})(\\r${i})`).join(""),
        "\\n\\r\\012\\015\\x0a\\x0d\\u000a\\u000d\\0\\t%0A%0D%0a%0d&#10;&#13;&#x0A;&#xa;<LF><CR><lf><cr><NL>[LF][CR]{LF}{CR}(LF)(CR)",
        "char(10)char(13)||char(10)||'||char(10)||'replace(x'0a')__LF____CR__$LF$CR\u0024{LF}{{LF}}:lf:@LF@#LF#~LF~~n~r^J^M\u240a\u240d\u2424",
        "\u0001\u0002\u0003\u0010\u0011\u0012\u001a\u001b\u001c\u001d\u001e\u001f\u007f\u0085\u00a0\u00b6\u00a7\ue000\uf8ff\ufffe\uffff\u{10ffff}",
        Array.from({ length: 126 }, (_, i) => String.fromCharCode(i + 1)).join(""),
        Array.from({ length: 0x7ff }, (_, i) => String.fromCharCode(i + 1)).join(""),
        Array.from({ length: 0x7ff }, (_, i) => String.fromCharCode(i + 1, 10)).join(""),
        Array.from({ length: 300 }, (_, i) => `LF${i}\nCR${i}\r`).join(""),
      ].map((value) => text(`${value}\n${value}\r\n`)),
    ),
  },
  {
    name: "every-code-point",
    breaks: "a placeholder of one character always occurs here; wrong escapes of any character show",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)",
      `INSERT INTO t(x) ${EVERY_CODE_POINT}`,
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 257 FROM n WHERE i < 1113855)
INSERT INTO t(x) SELECT char(i) FROM n WHERE i NOT BETWEEN 55296 AND 57343`,
    ],
  },
  {
    name: "control-characters",
    breaks: "sqlite3 3.50 and newer write them with unistr(), which D1 refuses; terminals and line tools eat them",
    sql: table(CONTROLS.flatMap((c) => [text(c), text(`a${c}b`), text(`${c}\n${c}`)])),
  },
  {
    name: "unicode",
    breaks: "BOM, U+2028, U+0085, astral and combining characters: normalised, stripped or split by tools",
    sql: table(
      [
        ...[
          "\ufeff",
          "\ufeffstarts with a BOM",
          "\u2028",
          "a\u2028b\u2029c",
          "\u0085",
          "\u00a0",
          "\u200b\u200d\u2060",
          "😀",
        ],
        ...[
          "👩‍👩‍👧‍👦🏳️‍🌈🇩🇪",
          "é",
          "e\u0301",
          "ﬀ",
          "Å",
          "Å",
          "İıſK",
          "ﷺ",
          "שלום עולם",
          "مرحبا",
          "日本語",
          "𝒳𐍈𠜎",
          "\u{10ffff}",
          "\ufdd0",
        ],
        ...["\u202eright to left", "\ufffe", "\uffff", "ẞ", "z̷̢̛̦a̸̧̛l̵̡̛g̷̨̛o̴̧̕"],
      ].map(text),
    ),
  },
  {
    name: "quotes",
    breaks: "quotes escaped with a backslash, or not at all",
    sql: table(
      [
        "'",
        "''",
        "'''",
        '"',
        '""',
        "`",
        "\\'",
        "\\",
        "\\\\",
        "it's",
        "'a'||'b'",
        "a'b\nc'd",
        "\"a\"'b'`c`[d]",
        "'),('",
        "');",
      ]
        .concat("'".repeat(999), "\\'".repeat(50))
        .map(text),
    ),
  },
  {
    name: "whitespace",
    breaks: "trimmed by import tools and by line-based readers",
    sql: table(
      [" ", "  ", "\t", " a", "a ", "\ta\t", "\n", " \n ", "\v\f", "\u3000", "a  b", "", "\u00a0a\u00a0"].map(text),
    ),
  },
  {
    name: "format-patterns",
    breaks: "text used as a format or a replacement pattern: printf, String.replace, bind names, templates",
    sql: table(
      [
        "%s%d%n%%",
        "$&$1$`$'$$",
        "$'",
        "?1 ?2 :name @x $y #z",
        "\u0024{x}",
        "{{x}}",
        "#{x}",
        "\\u0041\\x41\\101",
        "&amp;&lt;",
        "%27",
      ]
        .concat("%", "_", "*", "[a-z]", "\\1", "!@#$^&*()")
        .map(text),
    ),
  },
  {
    name: "encoder-tags",
    breaks: "text that begins like the tags a dumper may put before its cells",
    sql: table(
      [
        "t",
        "i5",
        "r1.5",
        "r9e999",
        "b00",
        "x00",
        "L5",
        "M5",
        "n",
        "tt",
        "N",
        "NULL",
        "text:",
        "i9223372036854775807",
        "[]",
        "{}",
        "0",
      ]
        .concat(
          "\u0001",
          "\u001f",
          "\u001e",
          ",",
          "),(",
          "|",
          "||",
          "\t",
          '","',
          "hex:",
          "base64:AA==",
          "[object Object]",
        )
        .map(text),
    ),
  },
  {
    name: "json-and-paths",
    breaks: "pretty-printed JSON and Windows paths: real newlines beside literal \\n, the everyday case of it",
    sql: [
      "CREATE TABLE t(id INTEGER PRIMARY KEY, doc TEXT CHECK(json_valid(doc)), at TEXT AS (doc ->> '$.path'))",
      insert(
        "t(doc)",
        [
          { path: "C:\\new\\report.txt", body: "line one\nline two\r\n\tend" },
          { path: "\\\\server\\share\\r", body: "\\n is not \n", list: ["\u0000", "\ud83d\ude00", "'"] },
        ].map((doc) => [text(JSON.stringify(doc, null, 2))]),
      ),
    ],
  },
  {
    name: "hex-of-hex",
    breaks: "text that is itself hex, base64 or an SQL literal is decoded once too often",
    sql: table(
      [hexOf("abc"), `X'${hexOf("abc")}'`, `CAST(X'${hexOf("abc")}' AS TEXT)`, "0x616263", "YWJj", "\\x616263"].map(
        text,
      ),
    ),
  },
];
