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

		bool has_attribute(char const *) const;
		template <typename T> T attribute_value(char const *, T const otherwise) const;
		void with_optional_sub_node(char const *type, auto const &fn) const { fn(_sub_node()); }
		void with_sub_node(char const *type, auto const &fn, auto const &missing) const { fn(_sub_node()); missing(); }

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

		void node_attributes(Node const &);
		[[nodiscard]] bool append_node_content(Node const &, Max_depth const &);

		private:

			static Generator &_new();
			static Result     _result();
	};
}

#endif
