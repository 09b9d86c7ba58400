// Reads frames from standard input as benchqr writes them (width and height as
// little-endian 32-bit numbers, then the grey pixels) and answers each with a
// line: the least time of three readings in nanoseconds, then the text in hex or
// "-".
#include <ZXing/ReadBarcode.h>
#include <ZXing/TextUtfEncoding.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

int main()
{
	ZXing::DecodeHints hints; // the defaults: try harder, try rotated
	hints.setFormats(ZXing::BarcodeFormat::QRCode);
	uint32_t size[2];
	std::vector<uint8_t> pix;
	while (std::fread(size, sizeof size, 1, stdin) == 1) {
		pix.resize(size_t(size[0]) * size[1]);
		if (std::fread(pix.data(), 1, pix.size(), stdin) != pix.size())
			return 1;
		ZXing::ImageView view(pix.data(), int(size[0]), int(size[1]), ZXing::ImageFormat::Lum);
		std::string text;
		long long least = INT64_MAX;
		for (int i = 0; i < 3; i++) {
			auto begin = std::chrono::steady_clock::now();
			auto result = ZXing::ReadBarcode(view, hints);
			auto took = std::chrono::steady_clock::now() - begin;
			least = std::min<long long>(least, std::chrono::nanoseconds(took).count());
			text = result.isValid() ? ZXing::TextUtfEncoding::ToUtf8(result.text()) : "";
		}
		std::printf("%lld ", least);
		for (unsigned char c : text)
			std::printf("%02x", c);
		std::printf("%s\n", text.empty() ? "-" : "");
		std::fflush(stdout);
	}
}
