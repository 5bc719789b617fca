/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_BASE_NODE_H
#define THAW_DECLARED_BASE_NODE_H

#include <base/error.h>
#include <util/attempt.h>
#include <util/string.h>

namespace Genode {

	struct Node
	{
		Node();
		Node(Node const &) = delete;

		String<64> type() const;

		bool has_attribute(char const *) const;
		template <typename T> T attribute_value(char const *, T const otherwise) const;
		void with_optional_sub_node(char const *type, auto const &fn) const { fn(_sub_node()); }
		void with_sub_node(char const *type, auto const &fn, auto const &missing) const { fn(_sub_node()); missing(); }

		void for_each_sub_node(auto const &fn) const { fn(_sub_node()); }
		void for_each_sub_node(char const *type, auto const &fn) const { fn(_sub_node()); }

		private: Node const &_sub_node() const;
	};

	struct Generator : Noncopyable
	{
		struct Max_depth { unsigned value; };

		using Result = Attempt<size_t, Buffer_error>;

		static Result generate(Byte_range_ptr const &, char const *type, auto const &fn)
		{
			fn(_new());
			return _result();
		}

		void node(char const *name, auto const &fn) { fn(); }

		void attribute(char const *name, char const *);
		void attribute(char const *name, unsigned long long);
		void attribute(char const *name, unsigned long);
		template <size_t N> void attribute(char const *name, String<N> const &);

		void node_attributes(Node const &);
		[[nodiscard]] bool append_node_content(Node const &, Max_depth const &);

		private:

			static Generator &_new();
			static Result     _result();
	};
}

#endif
