/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef THAW_DECLARED_REGION_MAP_COMPONENT_H
#define THAW_DECLARED_REGION_MAP_COMPONENT_H

#include <base/allocator_avl.h>
#include <base/mutex.h>
#include <dataspace_component.h>
#include <platform.h>
#include <util/fifo.h>
#include <util/list.h>

namespace Core {

	struct Rm_region;
	struct Rm_faulter;
	struct Fault;
	struct Mapping { addr_t dst_addr, src_addr; };
	class  Region_map_component;
}

struct Core::Rm_region
{
	addr_t base() const;
	size_t size() const;
	addr_t offset() const;
	bool   write() const;
	bool   executable() const;
	bool   reserved() const;
	void   with_dataspace(auto const &fn) const { fn(_dataspace()); }

	private: Dataspace_component &_dataspace() const;
};

struct Core::Fault
{
	Addr       hotspot;
	Access     access;
	Rwx        rwx;
	Addr_range bounds;
};

class Core::Region_map_component : public Rpc_object<Region_map>, private List<Region_map_component>::Element
{
	private:

		struct Rm_dataspace_component : Dataspace_component
		{
			Native_capability sub_rm() override;
			void              sub_rm(Native_capability);
		};

		Allocator_avl_tpl<Rm_region> _map;
		Mutex mutable                _mutex;
		Rm_dataspace_component       _ds;
		Dataspace_capability         _ds_cap;
		Fifo<Rm_faulter>             _faulters;
		Signal_context_capability    _fault_sigh;

		Mapping const &_mapping();

	public:

		enum class With_mapping_result { RESOLVED };

		Dataspace_capability dataspace();

		With_mapping_result with_mapping_for_fault(Core::Fault const &fault, auto const &apply, auto const &reflect)
		{
			apply(_mapping());
			reflect(*this, fault);
			return With_mapping_result::RESOLVED;
		}
};

#endif
