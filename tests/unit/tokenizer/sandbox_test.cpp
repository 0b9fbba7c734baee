// Templates come from the network: whatever one does ends soon, in bounded memory, with an Error
// that says which limit it met.
#include <gtest/gtest.h>

#include "core/error.hpp"
#include "scratch.hpp"
#include "tokenizer/chat_template.hpp"

namespace axl::tokenizer {
namespace {

constexpr std::int64_t kFewSteps = 1'000'000;

/// The message with which a template is refused, before or while it is rendered.
std::string refusal(const std::string& source, ErrorCode code = ErrorCode::data) {
  try {
    const std::string out = ChatTemplate(source).render({{"n", -1}}, kFewSteps);
    return "rendered: " + out.substr(0, 100);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    EXPECT_GE(e.where().line, 1) << e.what();
    return e.message();
  }
}

void expect_refusal(const std::string& part, const std::vector<std::string>& sources,
                    ErrorCode code = ErrorCode::data) {
  for (const std::string& source : sources)
    EXPECT_NE(refusal(source, code).find(part), std::string::npos)
        << source.substr(0, 200) << "\ngave: " << refusal(source, code);
}

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

const std::string kMany = "{% for i in range(100000) %}";
const std::string kSome = "{% for i in range(1000) %}";
const std::string kEnd = "{% endfor %}";

TEST(Sandbox, NothingIsDrawnByLot) {
  expect_refusal("could not be made again", {"{{ [1, 2]|random }}", "{{ lipsum() }}"});
  expect_refusal("no text of its own", {"{{ [1]|select }}", "{{ 'ab'|map('upper')|string }}"});
}

TEST(Sandbox, StepsAreCounted) {
  expect_refusal(
      "more than 1000000 steps",
      {kMany + kMany + "x" + kEnd + kEnd, kMany + kMany + "{% if n %}{% endif %}" + kEnd + kEnd,
       "{% macro f(k) %}" + kMany +
           "{% endfor %}{% if k %}{{ f(k - 1) }}{{ f(k - 1) }}"
           "{% endif %}{% endmacro %}{{ f(40) }}"});
}

TEST(Sandbox, WorkInsideAStepIsCounted) {
  const std::string big = "{% set x = 'ab' * 1000000 %}";
  std::vector<std::string> sources;
  for (const char* work : {"x | length",
                           "x ~ 'a'",
                           "x + 'a'",
                           "x.count('b')",
                           "x[5]",
                           "x[1:3]",
                           "x | upper",
                           "'z' in x",
                           "x == x ~ ''",
                           "x.replace('a', 'b')",
                           "x is lower",
                           "x.strip().find('z')",
                           "x.split('z')",
                           "x | center(3000000)",
                           "'%s' % x",
                           "x | tojson",
                           "[x] | string",
                           "x.encode | length or x",
                           "x | wordwrap(9)",
                           "x | wordwrap(9, false)",
                           "x | striptags",
                           "x | pprint",
                           "('x ' * 9000) | urlize",
                           "x | map('upper') | first"})
    sources.push_back(big + kMany + "{% set y = " + work + " %}" + kEnd);
  const std::string list = "{% set x = range(10000) | list %}";
  for (const char* work :
       {"x + x", "x * 2", "x == x", "77777 in x", "x.index(9999)", "x.count(1)", "x | sort",
        "x | unique", "x | sum", "x | list", "x[1:]", "x | join", "x | map('string')",
        "x | groupby(attribute='a')", "dict(x=x) == dict(x=x)", "x | reverse", "x | batch(3)",
        "x | max", "x | select('odd') | list"})
    sources.push_back(list + kMany + "{% set y = " + work + " %}" + kEnd);
  expect_refusal("more than 1000000 steps", sources);
  // A dict is searched for each key that it is given.
  expect_refusal("more than 1000000 steps",
                 {"{% set p = namespace(x=[]) %}{% for i in range(3000) %}"
                  "{% set p.x = p.x + [[i, i]] %}{% endfor %}{{ dict(p.x) }}"});
}

TEST(Sandbox, ValuesAreBoundedInSize) {
  expect_refusal(
      "64 MiB",
      {"{{ 'x' * 1000000000 }}", "{{ 1000000000 * [0] }}", "{{ ('a', 'b') * 1000000000000 }}",
       "{{ 'abc' * 9223372036854775807 }}", "{{ 'a'.center(999999999) }}",
       "{{ 'a' | center(4611686018427387904) }}", "{{ 'a'.ljust(9223372036854775807) }}",
       "{{ 'a'.zfill(9223372036854775807) }}", "{{ 'a\\nb' | indent(1000000000) }}",
       "{{ [1] | batch(329406144173384851, 0) }}", "{{ [1] | slice(329406144173384851) | list }}"});
  ChatTemplate growing(
      "{% set s = namespace(x='x') %}{% for i in range(100) %}{% set s.x = s.x ~ s.x %}{% endfor "
      "%}");
  EXPECT_THROW(growing.render({}), Error);
}

/// The filters and methods that make much of little, with the steps that a rendering usually has.
TEST(Sandbox, ResultsAreBoundedInSize) {
  for (const char* work :
       {"('x' * 30000000) ~ ('x' * 30000000) ~ ('x' * 30000000)",
        "('a' * 30000000).replace('a', 'bcd')", "('a' * 30000) | replace('a', 'b' * 30000)",
        "('a' * 30000) | replace('', 'b' * 30000)", "(range(30000) | list) | join('x' * 30000)",
        "('x' * 30000).join(range(30000) | map('string'))", "('<' * 30000000) | escape",
        "('a' * 30000000) | list", "('a ' * 30000000).split()", "('a' * 30000000).split('a')",
        "('\\n' * 30000000).splitlines()", "('a' * 30000000).rsplit('a', 30000000)",
        "{'a': [1]} | tojson(indent='x' * 60000000)",
        "[0, 0, 0, 0] | tojson(separators=['x' * 30000000, ''])",
        "('\\n' * 30000) | indent(30000, blank=true)", "'{0}{0}{0}'.format('x' * 30000000)",
        "'%s%s%s' % ('x' * 30000000, 'x' * 30000000, 'x' * 30000000)",
        "('é' * 30000000) | urlencode"}) {
    try {
      const std::string out = ChatTemplate("{{ (" + std::string(work) + ") | length }}").render({});
      ADD_FAILURE() << work << " gave " << out;
    } catch (const Error& e) {
      EXPECT_NE(e.message().find("64 MiB"), std::string::npos) << work << ": " << e.message();
    }
  }
}

TEST(Sandbox, RangesAndFormatsAreBounded) {
  expect_refusal("Range too big",
                 {"{{ range(100001) }}", "{{ range(0, -9223372036854775807, -1) }}"});
  expect_refusal("more than 100000 characters",
                 {"{{ '%1000000000d' % 1 }}", "{{ '%.1000000000f' % 1 }}", "{{ '%999999s' % 'a' }}",
                  "{{ '%9999999999999999999d' | format(1) }}"});
  EXPECT_EQ(refusal("{{ ('%100000d' % 1) | length }}"), "rendered: 100000");
  EXPECT_EQ(refusal("{{ '%.2s|%5.1s|' % ('abc', 'éa') }}"), "rendered: ab|    é|");
}

TEST(Sandbox, NumbersAreBounded) {
  expect_refusal("4300 digits",
                 {"{{ 10 ** 4400 }}", "{{ 2 ** 9223372036854775807 }}", "{{ 2 ** (2 ** 70) }}",
                  "{{ (10 ** 4000) * (10 ** 4000) }}",
                  "{% set s = namespace(x=10) %}" + kSome + "{% set s.x = s.x * s.x %}" + kEnd});
  expect_refusal("4300 digits", {"{{ 1" + repeated("0", 5000) + " }}"}, ErrorCode::input);
  expect_refusal("too large to convert", {"{{ (10 ** 400) | float }}", "{{ 1.5 * 10 ** 400 }}"});
  expect_refusal("cannot be interpreted as an integer", {"{{ range(2 ** 70) }}"});
  expect_refusal("infinity to integer",
                 {"{{ '%d' % (1e300 * 1e300) }}", "{{ (1e300 * 1e300) | int }}"});
  // Products of long numbers are steps, too.
  expect_refusal("steps", {"{% set s = 10 ** 2000 %}{% for i in range(100000) %}{% set x = s * s %}"
                           "{% endfor %}"});
  EXPECT_EQ(refusal("{{ 'abc'[1::9223372036854775807] }}"), "rendered: b");
  EXPECT_EQ(refusal("{{ 'a b'.split(' ', -9223372036854775807 - 1) }}"), "rendered: ['a', 'b']");
  EXPECT_EQ(refusal("{{ 'ab'.zfill(-9223372036854775807 - 1) }}"), "rendered: ab");
}

TEST(Sandbox, RecursionIsBounded) {
  expect_refusal("recursion",
                 {"{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
                  "{% macro f() %}{{ caller }}{% call f() %}{% endcall %}{% endmacro %}{{ f() }}",
                  "{% set x = [[1]] %}{% for a in x recursive %}{{ loop(x) }}{% endfor %}",
                  "{{ 'a' | map(" + repeated("'map',", 5000) + "'upper') | list }}"});
}

TEST(Sandbox, ValuesAreBoundedInDepth) {
  expect_refusal("deeper than 500 levels",
                 {"{% set s = namespace(x=1) %}" + kSome + "{% set s.x = [s.x] %}" + kEnd,
                  "{% set s = namespace(x=1) %}" + kSome + "{% set s.x = {'a': s.x} %}" + kEnd,
                  "{% set s = namespace(x='a') %}" + kSome + "{% set s.x = [s.x].index %}" + kEnd,
                  "{% set s = namespace(x=[]) %}" + kSome +
                      "{% for j in [s.x] %}{% set s.x = loop %}{% endfor %}" + kEnd});
}

/// Shared parts count as often as they occur: nothing takes exponential time to print or compare.
TEST(Sandbox, SharedPartsDoNotHideASize) {
  expect_refusal("64 MiB",
                 {"{% set s = namespace(x=[1]) %}{% for i in range(60) %}{% set s.x = [s.x, s.x] %}"
                  "{% endfor %}{{ s.x == s.x }}"});
}

TEST(Sandbox, NamespacesHoldNoNamespaces) {
  expect_refusal("a namespace cannot hold a namespace",
                 {"{% set s = namespace() %}{% set s.x = s %}",
                  "{% set s = namespace() %}{% set s.x = [s] %}{{ s }}",
                  "{% set s = namespace() %}{% set s.x = {'a': (s,)}.get %}",
                  "{{ namespace(x=[namespace()]) }}",
                  "{% set s = namespace() %}{% for i in [s] %}{% set s.x = loop %}{% endfor %}"});
  EXPECT_EQ(refusal("{% for i in [1, 2] %}{{ loop.changed(loop) }}{% endfor %}"),
            "rendered: TrueFalse");
}

TEST(Sandbox, DeepSourcesAreRefused) {
  const auto input = ErrorCode::input;
  const int n = 50000;
  expect_refusal(
      "nested",
      {"{{ " + repeated("(", n) + "1" + repeated(")", n) + " }}",
       "{{ " + repeated("[", n) + repeated("]", n) + " }}", "{{ a" + repeated(".a", n) + " }}",
       "{{ a" + repeated("[0]", n) + " }}", "{{ a" + repeated("|d", n) + " }}",
       "{{ a" + repeated("()", n) + " }}", "{{ " + repeated("-", n) + "1 }}",
       "{{ " + repeated("not ", n) + "1 }}", "{{ 1" + repeated(" + 1", n) + " }}",
       "{{ 1" + repeated(" and 1", n) + " }}", "{{ 1" + repeated(" if 1 else 1", n) + " }}",
       "{{ " + repeated("{1:", n) + "1" + repeated("}", n) + " }}",
       "{{ " + repeated("f(", n) + repeated(")", n) + " }}",
       "{% for " + repeated("(", n) + "a" + repeated(")", n) + " in x %}{% endfor %}",
       "{% set " + repeated("(", n) + "a" + repeated(")", n) + " = 1 %}", repeated("{% if 1 %}", n),
       repeated("{% for a in b %}", n), repeated("{% macro a() %}", n)},
      input);
  expect_refusal("longer than 1 MiB", {std::string((1 << 20) + 1, 'x')}, input);
  // Long but flat.
  EXPECT_EQ(refusal("{{ ('a'" + repeated(" ~ 'a'", n) + ") | length }}"), "rendered: 50001");
  EXPECT_EQ(refusal("{% if 0 %}" + repeated("{% elif 0 %}", n) + "{% endif %}"), "rendered: ");
}

}  // namespace
}  // namespace axl::tokenizer
