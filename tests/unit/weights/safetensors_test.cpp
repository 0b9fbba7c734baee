#include <cmath>
#include <limits>
#include <random>

#include "weights/convert.hpp"
#include "weights_testing.hpp"

namespace axl::weights {
namespace {

using testing::bytes_of_value;
using testing::floats;
using testing::refusal;

class Safetensors : public testing::Scratch {
 protected:
  /// A file with this JSON header and so many bytes of data.
  std::string file(const std::string& header, std::size_t data_bytes) const {
    return write("t.safetensors", bytes_of_value<std::uint64_t>(header.size()) + header +
                                      std::string(data_bytes, '\1'));
  }
  std::string refused(const std::string& header, std::size_t data_bytes) const {
    return refusal([&] { WeightFile::open(file(header, data_bytes)); });
  }
};

TEST_F(Safetensors, RoundTripsEveryStorage) {
  const std::vector<float> a{1.5f, -2.0f, 0.0f, 3e-5f, 7.0f, -0.25f};
  const std::vector<std::uint16_t> half{0x3C00, 0xC000, 0x0001, 0x7C00};
  const std::vector<bf16> brain{bf16(1.0f), bf16(-3.5f)};
  const std::vector<std::int64_t> wide{-5, 1LL << 40};
  const std::vector<std::int32_t> narrow{-7, 9};
  const std::vector<std::uint8_t> tiny{0, 255};
  const auto of = [](const auto& v) {
    return [&v](const auto& sink) { sink(std::as_bytes(std::span(v))); };
  };
  write_safetensors(path("a.safetensors"), {float_tensor("a", {2, 3}, a.data()),
                                            {"u8", Storage::u8, {2}, of(tiny)},
                                            {"f16", Storage::f16, {2, 2}, of(half)},
                                            {"bf16", Storage::bf16, {2}, of(brain)},
                                            {"i64 \"quoted\"", Storage::i64, {2}, of(wide)},
                                            {"i32", Storage::i32, {2, 1}, of(narrow)},
                                            {"empty", Storage::f32, {0, 4}, [](const auto&) {}}});
  const WeightFile in = WeightFile::open(path("a.safetensors"));
  ASSERT_EQ(in.tensors().size(), 7u);
  EXPECT_EQ(in.tensors().front().name, "a");
  EXPECT_EQ(in.get("a").shape, (std::vector<std::int64_t>{2, 3}));
  EXPECT_EQ(floats(in.get("a")), a);
  EXPECT_EQ(floats(in.get("f16")),
            (std::vector<float>{1.0f, -2.0f, 0x1p-24f, std::numeric_limits<float>::infinity()}));
  EXPECT_EQ(floats(in.get("bf16")), (std::vector<float>{1.0f, -3.5f}));
  EXPECT_EQ(floats(in.get("i64 \"quoted\"")), (std::vector<float>{-5.0f, 0x1p40f}));
  EXPECT_EQ(floats(in.get("i32")), (std::vector<float>{-7.0f, 9.0f}));
  EXPECT_EQ(floats(in.get("u8")), (std::vector<float>{0.0f, 255.0f}));
  EXPECT_EQ(in.get("empty").elements(), 0);
  EXPECT_FALSE(std::filesystem::exists(path("a.safetensors.tmp")));
  bf16 rounded[6];
  to_bf16(in.get("a"), 0, 6, rounded);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(rounded[i].bits, bf16(a[i]).bits);
}

TEST_F(Safetensors, HalvesConvertLikeTheScalarFunction) {
  std::vector<std::uint16_t> bits(65536);
  for (std::size_t i = 0; i < bits.size(); ++i) bits[i] = static_cast<std::uint16_t>(i);
  TensorEntry t{"h", Storage::f16, {65536}, std::as_bytes(std::span(bits))};
  const std::vector<float> got = floats(t);
  for (std::size_t i = 0; i < bits.size(); ++i)
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]),
              std::bit_cast<std::uint32_t>(f16_to_float(bits[i])))
        << i;
}

TEST_F(Safetensors, PartsOfATensorConvert) {
  std::vector<float> values(1000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const TensorEntry t{"v", Storage::f32, {10, 100}, std::as_bytes(std::span(values))};
  float out[5];
  to_float(t, 995, 5, out);
  EXPECT_EQ(out[4], 999.0f);
  EXPECT_THROW(to_float(t, 996, 5, out), Error);
  EXPECT_THROW(to_float(t, -1, 5, out), Error);
}

TEST_F(Safetensors, MissingTensorNamesTheNearest) {
  const float one = 1.0f;
  write_safetensors(path("a.safetensors"), {float_tensor("model.norm.weight", {1}, &one)});
  const WeightFile in = WeightFile::open(path("a.safetensors"));
  EXPECT_EQ(in.find("nothing"), nullptr);
  EXPECT_NE(refusal([&] { in.get("model.norn.weight"); }).find("'model.norm.weight'"),
            std::string::npos);
}

TEST_F(Safetensors, RefusesEveryTruncation) {
  const std::vector<float> a(16, 1.0f);
  write_safetensors(path("a.safetensors"),
                    {float_tensor("a", {4, 2}, a.data()), float_tensor("b", {8}, a.data())});
  const std::string whole = testing::read_all(path("a.safetensors"));
  for (std::size_t n = 0; n < whole.size(); ++n) {
    const std::string cut = write("cut.safetensors", whole.substr(0, n));
    EXPECT_FALSE(refusal([&] { WeightFile::open(cut); }).empty()) << n;
  }
  refusal([&] { WeightFile::open(write("long.safetensors", whole + "x")); });
}

TEST_F(Safetensors, TensorsOfOtherTypesAreRefusedOnlyWhenAskedFor) {
  const std::string name = file(
      R"({"__metadata__":{"format":"pt"},"flags":{"dtype":"BOOL","shape":[2,2],"data_offsets":[0,4]},)"
      R"("w":{"dtype":"F32","shape":[1],"data_offsets":[4,8]},)"
      R"("scale":{"dtype":"F8_E4M3","shape":[3],"data_offsets":[8,11]},)"
      R"("four":{"dtype":"F4","shape":[2,5],"data_offsets":[11,16]}})",
      16);
  const WeightFile in = WeightFile::open(name);
  ASSERT_EQ(in.tensors().size(), 1u);
  EXPECT_EQ(in.get("w").elements(), 1);
  ASSERT_EQ(in.foreign().size(), 3u);
  EXPECT_EQ(in.foreign()[2].bytes.size(), 5u);
  for (const auto& [tensor, type] :
       {std::pair{"flags", "BOOL"}, {"scale", "F8_E4M3"}, {"four", "F4"}}) {
    const std::string says = refusal([&] { in.get(tensor); });
    EXPECT_NE(says.find(std::string("tensor '") + tensor + "' has type " + type), std::string::npos)
        << says;
  }
  EXPECT_EQ(in.find("other"), nullptr);
  write_safetensors(path("copy.safetensors"), carried(in));
  const WeightFile copy = WeightFile::open(path("copy.safetensors"));
  ASSERT_EQ(copy.foreign().size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(copy.foreign()[i].type, in.foreign()[i].type);
    EXPECT_EQ(copy.foreign()[i].shape, in.foreign()[i].shape);
    EXPECT_TRUE(std::equal(in.foreign()[i].bytes.begin(), in.foreign()[i].bytes.end(),
                           copy.foreign()[i].bytes.begin(), copy.foreign()[i].bytes.end()));
  }
  // A parameter of the model cannot be left as it is.
  const WeightFile used = WeightFile::open(
      file(R"({"model.norm.weight":{"dtype":"F8_E5M2","shape":[8],"data_offsets":[0,8]}})", 8));
  EXPECT_NE(refusal([&] { carried(used); }).find("'model.norm.weight' has type F8_E5M2"),
            std::string::npos);
}

TEST_F(Safetensors, RefusesHostileHeaders) {
  const char* good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  WeightFile::open(file(good, 8));
  const struct {
    const char* header;
    const char* says;
  } cases[] = {
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", "by its shape and dtype"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", "but the file has"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,80]}})", "but the file has"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}})", "non-negative"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,18446744073709551615]}})",
       "but the file has"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0.0,8.0]}})", "non-negative"},
      {R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", "dimension"},
      {R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}})",
       "impossible shape"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,8]}})",
       "impossible shape"},
      {R"({"a":{"dtype":"F32","shape":2,"data_offsets":[0,8]}})", "shape must be a list"},
      {R"({"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}})", "does not exist"},
      {R"({"a":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}})", "by its shape and dtype"},
      {R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,8]}})", "impossible shape"},
      {R"({"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "not a text"},
      {R"({"__metadata__":{"a":{}},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "not a text"},
      {R"({"__metadata__":["a"],"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "not an object of texts"},
      {R"({"__metadata__":{},"__metadata__":{},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "twice"},
      {R"({"a":{"dtype":7,"shape":[2],"data_offsets":[0,8]}})", "dtype is not a string"},
      {R"({"a":{"dtype":"F32","shape":[2]}})", "lacks"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})", "unexpected field"},
      {R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "unexpected field"},
      {R"({"a":[]})", "not an object"},
      {R"([1])", "does not start with"},
      {R"({"a":)", "not valid JSON"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "overlaps"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", "hole"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", "the tensors end"},
      {R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},)"
       R"("a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
       "two tensors are called"},
      {"{\"\xFF\xFE\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", "not valid JSON"},
  };
  for (const auto& c : cases)
    EXPECT_NE(refused(c.header, 8).find(c.says), std::string::npos) << c.header << "\n"
                                                                    << refused(c.header, 8);
  for (const std::uint64_t length : {std::uint64_t{1} << 40, ~std::uint64_t{0}, std::uint64_t{0}})
    refusal([&] {
      WeightFile::open(write("h.safetensors", bytes_of_value(length) + std::string(good)));
    });
}

TEST_F(Safetensors, DeepNestingIsRefusedNotFollowed) {
  const std::string deep = "{\"a\":" + std::string(200000, '[') + std::string(200000, ']') + "}";
  EXPECT_NE(refused(deep, 0).find("not valid JSON"), std::string::npos);
}

TEST_F(Safetensors, RandomDamageNeverCrashes) {
  const std::vector<float> a(16, 1.0f);
  write_safetensors(path("a.safetensors"),
                    {float_tensor("a", {4, 2}, a.data()), float_tensor("b", {8}, a.data())});
  const std::string whole = testing::read_all(path("a.safetensors"));
  std::mt19937 random(11);
  int opened = 0;
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = whole;
    for (int hits = 1 + static_cast<int>(random() % 3); hits > 0; --hits)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    try {
      const WeightFile in = WeightFile::open(write("m.safetensors", bytes));
      for (const TensorEntry& t : in.tensors()) floats(t);
      ++opened;
    } catch (const Error& e) {
      EXPECT_TRUE(e.code() == ErrorCode::input || e.code() == ErrorCode::unsupported) << e.what();
    }
  }
  EXPECT_GT(opened, 0);
}

TEST_F(Safetensors, ShardsFollowTheIndex) {
  const std::vector<float> a{1, 2, 3, 4};
  write_safetensors(path("model-00001-of-00002.safetensors"), {float_tensor("a", {4}, a.data())});
  write_safetensors(path("model-00002-of-00002.safetensors"),
                    {float_tensor("b", {2}, a.data()), float_tensor("unlisted", {1}, a.data())});
  const std::string index = "model.safetensors.index.json";
  write(index, R"({"metadata":{"total_size":24},"weight_map":{
        "a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}})");
  const WeightFile in = WeightFile::open(folder_.string());
  ASSERT_EQ(in.tensors().size(), 2u);
  EXPECT_EQ(floats(in.get("a")), a);
  EXPECT_EQ(in.find("unlisted"), nullptr);
  const auto fails = [&](const std::string& text, const char* says) {
    write(index, text);
    const std::string got = refusal([&] { WeightFile::open(folder_.string()); });
    EXPECT_NE(got.find(says), std::string::npos) << got;
  };
  fails(R"({"weight_map":{"c":"model-00001-of-00002.safetensors"}})", "does not hold it");
  fails(R"({"weight_map":{"a":"gone.safetensors"}})", "which is missing");
  fails(R"({"weight_map":{"a":"../x.safetensors"}})", "not a file name in this folder");
  fails(R"({"weight_map":{"a":7}})", "not a file name in this folder");
  fails(R"({"weight_map":[]})", "weight_map");
  fails(R"({)", "not valid JSON");
}

TEST_F(Safetensors, SaysWhatAFolderLacks) {
  EXPECT_NE(refusal([&] { WeightFile::open(folder_.string()); }).find("holds neither"),
            std::string::npos);
  write("pytorch_model.bin", "x");
  EXPECT_NE(refusal([&] { WeightFile::open(folder_.string()); }).find("pickle"), std::string::npos);
  refusal([&] { WeightFile::open(path("absent.safetensors")); });
  refusal([&] { WeightFile::open(write("empty.safetensors", "")); });
}

TEST_F(Safetensors, FailedWritesLeaveTheOldFile) {
  write("a.safetensors", "old");
  EXPECT_THROW(
      write_safetensors(path("a.safetensors"), {{"a", Storage::f32, {2}, [](const auto&) {}}}),
      Error);
  EXPECT_EQ(testing::read_all(path("a.safetensors")), "old");
  EXPECT_FALSE(std::filesystem::exists(path("a.safetensors.tmp")));
  const float one = 1.0f;
  try {
    write_safetensors(path("no/such/folder.safetensors"), {float_tensor("a", {1}, &one)});
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::io);
  }
}

}  // namespace
}  // namespace axl::weights
