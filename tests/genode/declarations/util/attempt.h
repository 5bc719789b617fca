/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_UTIL_ATTEMPT_H
#define THAW_DECLARED_UTIL_ATTEMPT_H

#include <util/interface.h>
#include <util/reconstructible.h>

namespace Genode {

	struct Ok { };

	/* either of two; which one is decided elsewhere, both functions must fit */
	template <typename SELF, typename RESULT, typename ERROR>
	struct Either
	{
		template <typename T>
		T convert(auto const &with_result, auto const &with_error) const
		{
			if (ok()) return T { with_result(got()) };
			return T { with_error(missed()) };
		}

		void with_result(auto const &result, auto const &error) const { ok() ? result(got()) : error(missed()); }
		void with_error(auto const &error) const { error(missed()); }

		[[nodiscard]] bool ok() const;
		[[nodiscard]] bool failed() const;

		private:

			RESULT &got() const;
			ERROR  &missed() const;
	};

	template <typename RESULT, typename ERROR>
	struct [[nodiscard]] Attempt : Either<Attempt<RESULT, ERROR>, RESULT const, ERROR const>
	{
		Attempt(RESULT);
		Attempt(ERROR);

		bool operator == (ERROR const &) const;
	};

	template <typename RESULT, typename ERROR>
	struct [[nodiscard]] Unique_attempt : Noncopyable, Either<Unique_attempt<RESULT, ERROR>, RESULT, ERROR>
	{
		Unique_attempt(auto &&... args) requires (__is_constructible(RESULT, decltype(args)...));
		Unique_attempt(ERROR);
	};

	/* what an allocator gave, and gets back unless told otherwise */
	template <typename FROM>
	struct Allocation : Noncopyable, FROM::Attr
	{
		Allocation(FROM &, typename FROM::Attr);

		bool deallocate;

		struct Attempt : Unique_attempt<Allocation, typename FROM::Error>
		{
			Attempt(FROM &, typename FROM::Attr);
			Attempt(typename FROM::Error);
			Attempt(Attempt const &) = delete;
		};
	};
}

#endif
