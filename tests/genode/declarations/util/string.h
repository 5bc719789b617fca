/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_STRING_H
#define THAW_DECLARED_UTIL_STRING_H

#include <base/stdint.h>
#include <util/interface.h>

namespace Genode {

	struct Output;

	/* what a log line can have in it */
	void print(Output &, char const *);
	void print(Output &, void const *);
	void print(Output &, bool);
	void print(Output &, char);
	void print(Output &, int);
	void print(Output &, long);
	void print(Output &, long long);
	void print(Output &, unsigned char);
	void print(Output &, unsigned short);
	void print(Output &, unsigned);
	void print(Output &, unsigned long);
	void print(Output &, unsigned long long);
	void print(Output &, auto const &object) requires requires (Output &out) { object.print(out); };

	template <typename T>
	concept Printable = requires (Output &out, T const &value) { print(out, value); };

	struct Cstring
	{
		Cstring(char const *);
		Cstring(char const *, size_t limit);
		void print(Output &) const;
	};

	struct Hex
	{
		explicit Hex(auto number) requires requires { number >> 1; };
		void print(Output &) const;
	};

	struct Number_of_bytes
	{
		Number_of_bytes(size_t);
		operator size_t() const;
	};

	template <size_t BYTES>
	struct String
	{
		String();
		String(char const *);
		template <Printable FIRST, Printable... MORE> String(FIRST const &, MORE const &...);
		template <size_t OTHER> String(String<OTHER> const &);

		char const *string() const;
		size_t      length() const;
		bool        valid() const;
		void        print(Output &) const;

		bool operator == (char const *) const;
		template <size_t OTHER> bool operator == (String<OTHER> const &) const;
	};

	struct Byte_range_ptr : Noncopyable { Byte_range_ptr(char *, size_t); };

	size_t strlen(char const *);
	int    strcmp(char const *, char const *, size_t = ~0UL);
	int    memcmp(void const *, void const *, size_t);
	void   copy_cstring(char *, char const *, size_t);
	void  *memcpy(void *, void const *, size_t);
	void   bzero(void *, size_t);

	template <typename T> T max(T, T);
	template <typename T> T min(T, T);
}

#endif
