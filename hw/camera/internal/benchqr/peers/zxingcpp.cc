// Reads frames from a file as benchqr writes them and prints one line a frame:
// the least time of three readings in microseconds, then the text in hex or "-".
#include <ZXing/ReadBarcode.h>
#include <ZXing/TextUtfEncoding.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

int main(int argc, char** argv)
{
	if (argc != 2)
		return 2;
	std::ifstream in(argv[1], std::ios::binary);
	ZXing::DecodeHints hints; // the defaults: try harder, try rotated
	hints.setFormats(ZXing::BarcodeFormat::QRCode);
	uint32_t size[2];
	while (in.read(reinterpret_cast<char*>(size), sizeof size)) {
		std::vector<uint8_t> pix(size_t(size[0]) * size[1]);
		if (!in.read(reinterpret_cast<char*>(pix.data()), std::streamsize(pix.size())))
			return 1;
		ZXing::ImageView view(pix.data(), int(size[0]), int(size[1]), ZXing::ImageFormat::Lum);
		std::string text;
		double least = 1e18;
		for (int i = 0; i < 3; i++) {
			auto begin = std::chrono::steady_clock::now();
			auto result = ZXing::ReadBarcode(view, hints);
			std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
			least = std::min(least, took.count());
			text = result.isValid() ? ZXing::TextUtfEncoding::ToUtf8(result.text()) : "";
		}
		std::printf("%.1f ", least);
		for (unsigned char c : text)
			std::printf("%02x", c);
		std::printf("%s\n", text.empty() ? "-" : "");
	}
}
