/*
 * \brief  Allocator of capability ids that can be asked for an id
 */

/*
 * Copyright (C) 2026 The Thaw authors
 *
 * SPDX-License-Identifier: AGPL-3.0-only
 */

/*
 * In place of Genode's header of this name: what uses the class stays Genode's own. Ids are taken in ascending
 * order and a freed one is not taken again soon, so that what a destroyed PD used can be asked for when it is
 * restored.
 */

#ifndef _CORE__INCLUDE__CAP_ID_ALLOC_H_
#define _CORE__INCLUDE__CAP_ID_ALLOC_H_

#include <base/allocator_avl.h>
#include <base/exception.h>
#include <base/mutex.h>
#include <synced_range_allocator.h>
#include <types.h>

namespace Core {
	class Cap_id_allocator;
	class Cap_id_range;
}


/*
 * Range of ids behind the allocator's interface
 */
class Core::Cap_id_range : public Synced_range_allocator<Allocator_avl>
{
	private:

		using Base = Synced_range_allocator<Allocator_avl>;

		enum { MAX_WANTED = 8 };

		unsigned _wanted[MAX_WANTED] { };
		unsigned _num_wanted { 0 };
		addr_t   _next       { 1 << 2 };
		addr_t   _end        { 1 << 28 };
		addr_t   _wanted_end { 0 };

		bool _take(size_t size, addr_t id)
		{
			return alloc_addr(size, id).template convert<bool>(
				[&] (Allocation &a) { a.deallocate = false; return true; },
				[&] (Alloc_error)   { return false; });
		}

	public:

		using Base::Base;

		void want(unsigned id)
		{
			if (_num_wanted < MAX_WANTED)
				_wanted[_num_wanted++] = id;
		}

		/* forget what was wanted and not taken, return how many */
		unsigned forget_wanted()
		{
			unsigned const n = _num_wanted;
			_num_wanted = 0;
			return n;
		}

		/* ids that were wanted stay where they are: what is allocated next comes behind them */
		void skip_to(addr_t id)
		{
			if (id < _wanted_end) id = _wanted_end;
			if (_next < id) _next = id;
		}

		Alloc_result try_alloc(size_t size) override
		{
			if (_num_wanted) {
				addr_t const id = _wanted[0];
				_num_wanted--;
				for (unsigned i = 0; i < _num_wanted; i++)
					_wanted[i] = _wanted[i + 1];
				/* if it is taken the caller gets another one and compares */
				if (_take(size, id)) {
					/* those that follow may be wanted, too, so nobody else gets them now */
					if (_wanted_end < id + size) _wanted_end = id + size;
					return { *this, { (void *)id, size } };
				}
			}
			while (_next + size <= _end) {
				addr_t const id = _next;
				_next += size;
				if (_take(size, id))
					return { *this, { (void *)id, size } };
			}
			return Base::try_alloc(size);
		}
};


class Core::Cap_id_allocator
{
	public:

		using id_t = unsigned;

	private:

		enum {
			CAP_ID_OFFSET  = 1 << 2,
			CAP_ID_MASK    = CAP_ID_OFFSET - 1,
			CAP_ID_RANGE   = 1u << 28,
			ID_MASK        = CAP_ID_RANGE - 1,
		};

		Cap_id_range _id_alloc;

		Mutex _mutex { };

	public:

		/**
		 * How many ids are not free
		 */
		unsigned in_use() const
		{
			return unsigned((CAP_ID_RANGE - _id_alloc.avail())/CAP_ID_OFFSET);
		}

		/* ids from here on are left alone until somebody asks for the upper range */
		static constexpr id_t UPPER = 1u << 27;

		class Out_of_ids : Exception {};

		Cap_id_allocator(Allocator &);

		id_t alloc();
		void free(id_t id);

		/**
		 * The next ids to be handed out, in this order; the caller is the only one that allocates meanwhile
		 */
		void want(id_t id)
		{
			Mutex::Guard guard(_mutex);
			_id_alloc.want(id);
		}

		unsigned forget_wanted()
		{
			Mutex::Guard guard(_mutex);
			return _id_alloc.forget_wanted();
		}

		/**
		 * Ids are handed out in ascending order from 'first' on
		 */
		void skip_to(id_t first)
		{
			Mutex::Guard guard(_mutex);
			_id_alloc.skip_to(first);
		}
};

#endif /* _CORE__INCLUDE__CAP_ID_ALLOC_H_ */
